package source

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/config"
	packutil "github.com/go-git/go-git/v6/plumbing/format/packfile/util"
)

// entry is one object of a pack, as it stands there.
type entry struct {
	at, content int64 // where it begins, and its compressed content
	size        int64 // of the content inflated
	base        int64 // of a difference: where the object is that it changes, 0 if that is known by id alone
	id, baseID  plumbing.Hash
	crc         uint32
	kind        plumbing.ObjectType // of a difference until it is resolved: that it is one
}

func (e *entry) delta() bool {
	return e.kind == plumbing.OFSDeltaObject || e.kind == plumbing.REFDeltaObject
}

// packError says that a pack is not what git makes: the server's fault or a disturbance, not the user's.
type packError struct{ what string }

func (e *packError) Error() string { return "the pack is damaged: " + e.what }

func damaged(format string, args ...any) error { return &packError{fmt.Sprintf(format, args...)} }

// packScanner reads a pack while it arrives, writes what it has read, and stops at the first byte that is beyond a limit.
// Nothing in a pack is trusted before it is counted: neither the number of objects nor their sizes.
type packScanner struct {
	in       tally
	limits   packLimits
	inflated int64
	entries  []entry
	z        io.ReadCloser
}

// scanPack gives the objects of a pack in its order, those sent whole with their ids, and the pack's checksum.
func scanPack(r io.Reader, w io.Writer, limits packLimits) ([]entry, plumbing.Hash, error) {
	s := packScanner{in: tally{src: r, out: w, limit: limits.sent, sum: sha1.New(), crc: crc32.NewIEEE(), buf: make([]byte, 64<<10)}, limits: limits}
	count, err := s.header()
	for i := 0; i < count && err == nil; i++ {
		err = s.object()
	}
	if err != nil {
		return nil, plumbing.ZeroHash, cutShort(err)
	}
	sum, err := s.footer()
	return s.entries, sum, cutShort(err)
}

// cutShort tells the end of a stream inside of a pack from other ends.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (s *packScanner) header() (int, error) {
	var h [12]byte
	if _, err := io.ReadFull(&s.in, h[:]); err != nil {
		return 0, err
	}
	if v := binary.BigEndian.Uint32(h[4:]); string(h[:4]) != "PACK" || v != 2 && v != 3 {
		return 0, damaged("it begins with %q", h[:8])
	}
	count := binary.BigEndian.Uint32(h[8:])
	if int64(count) > int64(s.limits.objects) {
		return 0, refuse("the repository is too large: it has %d objects, and the limit is %d; leave generated files out of it, or have the operator raise the limit", count, s.limits.objects)
	}
	return int(count), nil
}

func (s *packScanner) object() error {
	if err := s.in.flush(); err != nil {
		return err
	}
	s.in.crc.Reset()
	e := entry{at: s.in.off}
	first, err := s.in.ReadByte()
	if err != nil {
		return err
	}
	n, err := packutil.VariableLengthSize(first, &s.in)
	if err != nil {
		return err
	}
	if e.kind, e.size = packutil.ObjectType(first), int64(n); e.size < 0 {
		return damaged("an object of %d bytes", n)
	}
	if err := readBase(&s.in, &e); err != nil {
		return err
	}
	if err := s.content(&e); err != nil {
		return err
	}
	if err := s.in.flush(); err != nil {
		return err
	}
	e.crc = s.in.crc.Sum32()
	s.entries = append(s.entries, e)
	return nil
}

// byteReader is what can be read byte by byte.
type byteReader interface {
	io.Reader
	io.ByteReader
}

// readBase reads which object a difference changes.
func readBase(r byteReader, e *entry) (err error) {
	switch e.kind {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
	case plumbing.REFDeltaObject:
		_, err = e.baseID.ReadFrom(r)
	case plumbing.OFSDeltaObject:
		var back int64
		if back, err = offset(r); err == nil && (back <= 0 || back >= e.at) {
			err = damaged("a difference to an object %d bytes before %d", back, e.at)
		}
		e.base = e.at - back
	default:
		err = damaged("an object of kind %d", e.kind)
	}
	return err
}

// offset reads how far back a base is: seven bits a byte, each further byte adding one so that no number has two forms.
func offset(r io.ByteReader) (int64, error) {
	c, err := r.ReadByte()
	n := int64(c & 0x7f)
	for ; err == nil && c&0x80 != 0; n = (n+1)<<7 | int64(c&0x7f) {
		if n >= 1<<55 {
			return 0, damaged("an offset without end")
		}
		c, err = r.ReadByte()
	}
	return n, err
}

// content inflates an object: to its id, or for a difference to how large it makes what it changes.
func (s *packScanner) content(e *entry) (err error) {
	limit := s.limits.whole
	if e.delta() {
		limit = maxDelta
	}
	if e.size > limit {
		return tooLarge("one file or difference in it has "+size(e.size), limit)
	}
	if err := s.count(e.size); err != nil {
		return err
	}
	if err := s.in.flush(); err != nil {
		return err
	}
	e.content = s.in.off
	if s.z == nil {
		s.z, err = zlib.NewReader(&s.in)
	} else {
		err = s.z.(zlib.Resetter).Reset(&s.in, nil)
	}
	if err != nil {
		return inflateError(err, e)
	}
	if e.delta() {
		return s.difference(e)
	}
	h := plumbing.NewHasher(config.SHA1, e.kind, e.size)
	if err := s.inflate(h, e); err != nil {
		return err
	}
	e.id = h.Sum()
	return nil
}

// inflate wants exactly as many bytes as the object's header says.
func (s *packScanner) inflate(w io.Writer, e *entry) error {
	n, err := io.Copy(w, io.LimitReader(s.z, e.size+1))
	if err == nil && n != e.size {
		err = damaged("an object of %d bytes says it has %d", n, e.size)
	}
	return inflateError(err, e)
}

func inflateError(err error, e *entry) error {
	if err == nil || !errors.Is(err, zlib.ErrChecksum) && !errors.Is(err, zlib.ErrHeader) && !errors.Is(err, zlib.ErrDictionary) {
		return err
	}
	return damaged("the object at %d: %v", e.at, err)
}

// difference counts what it will make. The sizes stand at its beginning.
func (s *packScanner) difference(e *entry) error {
	head := &prefix{}
	if err := s.inflate(head, e); err != nil {
		return err
	}
	n, err := resultSize(head.b)
	if err != nil {
		return err
	}
	if n > maxDelta {
		return tooLarge("one file in it that is sent as a difference has more", maxDelta)
	}
	return s.count(n)
}

// resultSize reads the beginning of a difference: how large it wants its base, and how large what it makes is.
func resultSize(head []byte) (int64, error) {
	_, rest, errBase := packutil.DecodeLEB128(head)
	n, _, err := packutil.DecodeLEB128(rest)
	if err = errors.Join(errBase, err); err != nil || int64(n) < 0 {
		return 0, damaged("a difference whose size cannot be read: %v", err)
	}
	return int64(n), nil
}

func (s *packScanner) count(n int64) error {
	if s.inflated += n; s.inflated > s.limits.inflated {
		return tooLarge("its files come to more", s.limits.inflated)
	}
	return nil
}

func (s *packScanner) footer() (plumbing.Hash, error) {
	if err := s.in.flush(); err != nil {
		return plumbing.ZeroHash, err
	}
	want := s.in.sum.Sum(nil)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(&s.in, got); err != nil {
		return plumbing.ZeroHash, err
	}
	if err := s.in.flush(); err != nil {
		return plumbing.ZeroHash, err
	}
	if !bytes.Equal(got, want) {
		return plumbing.ZeroHash, damaged("its checksum is wrong")
	}
	sum, _ := plumbing.FromBytes(want)
	return sum, nil
}

// prefix keeps the beginning of what is written to it.
type prefix struct{ b []byte }

func (p *prefix) Write(b []byte) (int, error) {
	p.b = append(p.b, b[:min(len(b), 20-len(p.b))]...)
	return len(b), nil
}

// tally reads byte by byte, as inflating demands so that nothing of the next object is taken, and accounts for what was
// read in larger pieces: it counts, hashes and writes it on.
type tally struct {
	src     io.Reader
	out     io.Writer
	limit   int64
	off     int64 // of what is accounted for
	sum     hash.Hash
	crc     hash.Hash32
	buf     []byte
	done    int // up to here buf is accounted for,
	r, w    int // up to here read, and up to here filled
	ended   error
	stalled int
}

func (t *tally) flush() error {
	b := t.buf[t.done:t.r]
	t.off, t.done = t.off+int64(len(b)), t.r
	t.sum.Write(b)
	t.crc.Write(b)
	if _, err := t.out.Write(b); err != nil {
		return fmt.Errorf("write the pack: %w", err)
	}
	return nil
}

func (t *tally) fill() error {
	if err := t.flush(); err != nil {
		return err
	}
	t.done, t.r, t.w = 0, 0, 0
	for t.stalled = 0; t.w == 0; t.stalled++ {
		if t.ended != nil {
			return t.ended
		}
		if t.off > t.limit {
			return tooLarge("what its server sends is more", t.limit)
		}
		if t.stalled > 100 {
			return io.ErrNoProgress
		}
		t.w, t.ended = t.src.Read(t.buf)
	}
	return nil
}

func (t *tally) ReadByte() (byte, error) {
	if t.r == t.w {
		if err := t.fill(); err != nil {
			return 0, err
		}
	}
	t.r++
	return t.buf[t.r-1], nil
}

func (t *tally) Read(p []byte) (int, error) {
	if t.r == t.w {
		if err := t.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.buf[t.r:t.w])
	t.r += n
	return n, nil
}
