package proxy

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// reading is one way in which some server reads a stream of requests. Servers differ where RFC 9112 is broken, and that is
// what smuggling lives on: so whatever a client sends, all readings of what an instance gets must be the same.
type reading struct {
	name       string
	bareLF     bool                     // a line ends with LF, too
	bareCR     bool                     // a line ends with CR, too
	fold       bool                     // a line that begins with a space goes on with the one before
	spaced     bool                     // a space may stand before a colon
	underscore bool                     // _ in a name is -, as CGI has it
	byLength   bool                     // Content-Length counts even beside a Transfer-Encoding
	lastLength bool                     // the last Content-Length counts, not the first
	chunked    func(coding string) bool // what is taken for the chunked coding
}

func exactly(coding string) bool  { return coding == "chunked" }
func anywhere(coding string) bool { return strings.Contains(strings.ToLower(coding), "chunked") }

var readings = []reading{
	{name: "by the RFC", chunked: exactly},
	{name: "length first", chunked: exactly, byLength: true},
	{name: "last length", chunked: anywhere, lastLength: true, byLength: true},
	{name: "LF", chunked: anywhere, bareLF: true},
	{name: "CR", chunked: exactly, bareLF: true, bareCR: true},
	{name: "folds", chunked: anywhere, fold: true},
	{name: "spaces", chunked: anywhere, spaced: true, byLength: true},
	{name: "CGI", chunked: anywhere, underscore: true, spaced: true},
	{name: "anything", chunked: anywhere, bareLF: true, bareCR: true, fold: true, spaced: true, underscore: true},
}

// requests are the method and target of each request in the stream; what is none stands as garbage. The last may be cut off.
func (r reading) requests(stream []byte) (list []string) {
	for len(stream) > 0 {
		head, rest, whole := r.head(stream)
		if !whole {
			return append(list, fmt.Sprintf("garbage %.60q", stream))
		}
		words := strings.Fields(head[0])
		if len(words) != 3 || !strings.HasPrefix(words[2], "HTTP/1.") {
			return append(list, fmt.Sprintf("garbage %.60q", head[0]))
		}
		list = append(list, words[0]+" "+words[1])
		stream = r.body(head[1:], rest)
	}
	return list
}

// line cuts the first line off.
func (r reading) line(b []byte) (line string, rest []byte, ok bool) {
	for i, c := range b {
		switch {
		case c == '\r' && i+1 < len(b) && b[i+1] == '\n':
			return string(b[:i]), b[i+2:], true
		case c == '\n' && r.bareLF, c == '\r' && r.bareCR:
			return string(b[:i]), b[i+1:], true
		}
	}
	return "", nil, false
}

func (r reading) head(b []byte) (lines []string, rest []byte, whole bool) {
	for {
		line, next, ok := r.line(b)
		if !ok {
			return nil, nil, false
		}
		b = next
		switch {
		case line == "" && len(lines) > 0:
			return lines, b, true
		case line == "":
		case r.fold && len(lines) > 1 && (line[0] == ' ' || line[0] == '\t'):
			lines[len(lines)-1] += " " + strings.TrimSpace(line)
		default:
			lines = append(lines, line)
		}
	}
}

// body takes the body of a request with these headers off what follows them.
func (r reading) body(headers []string, b []byte) []byte {
	length, chunked := -1, false
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		value = strings.TrimSpace(value)
		if r.spaced {
			name = strings.TrimSpace(name)
		}
		if r.underscore {
			name = strings.ReplaceAll(name, "_", "-")
		}
		switch strings.ToLower(name) {
		case "content-length":
			if n, err := strconv.Atoi(strings.TrimPrefix(value, "+")); err == nil && (length < 0 || r.lastLength) {
				length = n
			}
		case "transfer-encoding":
			chunked = chunked || r.chunked(value)
		}
	}
	if chunked && (length < 0 || !r.byLength) {
		return r.chunks(b)
	}
	return b[min(max(length, 0), len(b)):]
}

func (r reading) chunks(b []byte) []byte {
	for {
		line, rest, ok := r.line(b)
		if !ok {
			return nil // cut off
		}
		digits, _, _ := strings.Cut(line, ";")
		size, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 62)
		switch {
		case err != nil:
			return append([]byte("garbage chunk "), b...)
		case size == 0:
			return r.trailers(rest)
		case size >= uint64(len(rest)):
			return nil
		}
		b = rest[size:]
		if b = bytes.TrimPrefix(b, []byte("\r\n")); len(b) == 0 {
			return nil
		}
	}
}

func (r reading) trailers(b []byte) []byte {
	for {
		line, rest, ok := r.line(b)
		if !ok {
			return nil
		}
		if b = rest; line == "" {
			return b
		}
	}
}
