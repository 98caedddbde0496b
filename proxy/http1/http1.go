// Package http1 reads the heads of HTTP/1.0 and HTTP/1.1 messages and finds where their bodies end, for package proxy
// alone. It works on bytes that its caller holds, notes places in them and allocates nothing. It refuses whatever two
// readers could read differently (RFC 9112, section 11), because an instance that sees another request than the proxy
// saw is how requests are smuggled past it. It does no I/O and knows no connection.
package http1

import "fmt"

// Error is why a message was refused. For a request, Status is the answer that its client should get; after it
// nobody knows where the next message begins, so the connection must be closed.
type Error struct {
	Status int
	Reason string // a lower-case clause for the client and the log
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Reason, e.Status) }

func malformed(reason string) *Error { return &Error{400, reason} }

var (
	errLine       = malformed("a line does not end with CR LF, or holds a CR, LF or NUL elsewhere")
	errStart      = malformed("the first line is not one of HTTP/1.x")
	errMethod     = malformed("the method is not a token")
	errTarget     = malformed("the request target is malformed")
	errName       = malformed("a header's name is not a token, or a space stands before its colon")
	errValue      = malformed("a header's value holds a control character")
	errFold       = malformed("a header goes on in a second line")
	errNoHost     = malformed("the Host header is missing")
	errHosts      = malformed("there are several Host headers, or one that differs from the target's")
	errHost       = malformed("the Host header is malformed")
	errLength     = malformed("the Content-Length is malformed")
	errLengths    = malformed("there are several Content-Length headers")
	errBoth       = malformed("there are both a Content-Length and a Transfer-Encoding header")
	errOldCoding  = malformed("an HTTP/1.0 message has a Transfer-Encoding header")
	errOptions    = malformed("the Connection header lists too much or is malformed")
	errUpgrade    = malformed("the Upgrade header is malformed or there are several")
	errStatus     = malformed("the status is malformed")
	errChunk      = malformed("a chunk of the body is malformed")
	errTrailer    = malformed("a trailer of the body is malformed or must not be a trailer")
	errCoding     = &Error{501, "a Transfer-Encoding other than chunked is not served"}
	errVersion    = &Error{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"}
	errExpect     = &Error{417, "an Expect other than 100-continue cannot be met"}
	errManyFields = &Error{431, "there are too many headers"}

	// ErrHeadSize and ErrTargetSize are for callers, which know how much they are willing to hold.
	ErrHeadSize   = &Error{431, "the headers are too large"}
	ErrTargetSize = &Error{414, "the request target is too long"}
)

// Span is a place in the bytes that a head was parsed from: from From up to, not including, To.
type Span struct{ From, To int32 }

// Of returns the bytes at the place.
func (s Span) Of(b []byte) []byte { return b[s.From:s.To] }

// Len is the number of bytes.
func (s Span) Len() int { return int(s.To - s.From) }

func span(from, to int) Span { return Span{int32(from), int32(to)} }

// Field is one header line. The value is without the space around it.
type Field struct {
	Name, Value Span
	Kind        Kind
}

// End returns the length of the head that b begins with, its empty line included, or 0 when b does not hold all of
// it. seen is how much of b was looked at before, so that a head that comes byte by byte is not read over and over. An
// empty line that ends otherwise than with CR LF counts too: parsing refuses it, where waiting for more would only
// make the client wait.
func End(b []byte, seen int) int {
	for at := max(0, seen-3); ; {
		i := indexByte(b[at:], '\n')
		if i < 0 {
			return 0
		}
		at += i + 1
		switch rest := b[at:]; {
		case len(rest) >= 1 && rest[0] == '\n':
			return at + 1
		case len(rest) >= 2 && rest[0] == '\r' && rest[1] == '\n':
			return at + 2
		}
	}
}
