package http1

// form is how a body's end is told.
type form uint8

const (
	empty form = iota
	counted
	chunked
	untilClose
)

// place is where in a chunked body the next byte belongs.
type place uint8

const (
	atSize place = iota // no digit of the size yet
	inSize
	inExtension
	afterSize // CR read, LF to come
	inData
	afterData // the chunk's data is whole: CR to come
	afterDataCR
	trailerStart // a line of a trailer, or the empty line, begins
	trailerName
	trailerValue
	trailerLF
	lastLF
)

const (
	maxSizeDigits = 15      // the largest chunk is 2^60-1 bytes: no sum of an int64 overflows
	maxExtensions = 1 << 10 // bytes, all chunks of a body together: RFC 9112, 7.1.1
	maxTrailers   = 8 << 10 // bytes
)

// Body finds the end of a body that comes in pieces. The zero value is an empty one.
type Body struct {
	form    form
	lenient bool // of a response: chunk extensions are let through
	at      place
	digits  uint8
	left    int64 // of a counted body, or of the current chunk
	extra   int   // bytes of extensions, later of trailers
	name    [20]byte
	nameLen int

	// Payload counts the bytes of the body proper, without its chunks' frames.
	Payload int64
}

// Chunked, UntilClose and Empty tell the body's form.
func (b *Body) Chunked() bool    { return b.form == chunked }
func (b *Body) UntilClose() bool { return b.form == untilClose }
func (b *Body) Empty() bool      { return b.form == empty }

// Left is the number of bytes to come of a body whose length was announced, else 0.
func (b *Body) Left() int64 {
	if b.form != counted {
		return 0
	}
	return b.left
}

// Scan takes p, the bytes that come next, and returns how many of them belong to the body, frames of chunks and
// trailers included, and whether it ends there. A body until the connection's close never ends here. An error is an
// *Error; the n bytes before it were in order.
func (b *Body) Scan(p []byte) (n int, done bool, err error) {
	for {
		frame, data, done, err := b.Next(p[n:])
		n += frame + data
		if done || err != nil || n == len(p) {
			return n, done, err
		}
	}
}

// Next is Scan in steps: of p, first frame bytes are not of the payload, then data bytes are.
func (b *Body) Next(p []byte) (frame, data int, done bool, err error) {
	switch b.form {
	case empty:
		return 0, 0, true, nil
	case untilClose:
		b.Payload += int64(len(p))
		return 0, len(p), false, nil
	case counted:
		data = b.take(p)
		return 0, data, b.left == 0, nil
	}
	for frame < len(p) && b.at != inData {
		if done, err = b.frame(p[frame]); err != nil {
			return frame, 0, false, err
		}
		frame++
		if done {
			return frame, 0, true, nil
		}
	}
	if b.at == inData {
		if data = b.take(p[frame:]); b.left == 0 {
			b.at = afterData
		}
	}
	return frame, data, false, nil
}

func (b *Body) take(p []byte) int {
	n := min(int64(len(p)), b.left)
	b.left -= n
	b.Payload += n
	return int(n)
}

// frame takes one byte of what stands around the data of chunks.
func (b *Body) frame(c byte) (done bool, err error) {
	switch b.at {
	case atSize, inSize, inExtension:
		return false, b.size(c)
	case afterSize:
		if c != '\n' {
			return false, errChunk
		}
		if b.at = inData; b.left == 0 {
			b.at, b.extra = trailerStart, 0
		}
	case afterData:
		if c != '\r' {
			return false, errChunk
		}
		b.at = afterDataCR
	case afterDataCR:
		if c != '\n' {
			return false, errChunk
		}
		b.at, b.digits, b.left = atSize, 0, 0
	default:
		return b.trailer(c)
	}
	return false, nil
}

func (b *Body) size(c byte) error {
	digit := hexDigit(c)
	switch {
	case b.at != inExtension && digit >= 0:
		if b.digits++; b.digits > maxSizeDigits {
			return errChunk
		}
		b.at, b.left = inSize, b.left<<4|int64(digit)
	case b.at == atSize:
		return errChunk
	case c == '\r':
		b.at = afterSize
	case b.lenient && chars[c]&inValue != 0 && (b.at == inExtension || c == ';' || c == ' ' || c == '\t'):
		b.at = inExtension
		if b.extra++; b.extra > maxExtensions {
			return errChunk
		}
	default:
		return errChunk
	}
	return nil
}

// trailer takes one byte after the last chunk.
func (b *Body) trailer(c byte) (done bool, err error) {
	if b.extra++; b.extra > maxTrailers {
		return false, errTrailer
	}
	switch b.at {
	case trailerStart:
		if c == '\r' {
			b.at = lastLF
			return false, nil
		}
		b.at, b.nameLen = trailerName, 0
		return false, b.trailerName(c)
	case trailerName:
		return false, b.trailerName(c)
	case trailerValue:
		if c == '\r' {
			b.at = trailerLF
		} else if chars[c]&inValue == 0 {
			return false, errTrailer
		}
	case trailerLF:
		if c != '\n' {
			return false, errTrailer
		}
		b.at = trailerStart
	case lastLF:
		if c != '\n' {
			return false, errTrailer
		}
		return true, nil
	}
	return false, nil
}

func (b *Body) trailerName(c byte) error {
	switch {
	case c == ':' && b.nameLen > 0:
		b.at = trailerValue
		if !kindOf(b.name[:min(b.nameLen, len(b.name))]).inTrailer() {
			return errTrailer
		}
	case chars[c]&inToken == 0:
		return errTrailer
	default:
		if b.nameLen < len(b.name) {
			b.name[b.nameLen] = c
			b.nameLen++
		}
	}
	return nil
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
