package edge

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// frames is a connection that speaks HTTP/2, in clear or as the content of TLS. It counts the frames that are written to it, to put one of
// its own between them: net/http's GOAWAY names the last stream that the server has seen, and a request that is on its way at that moment
// is lost unless the client can make it again. RFC 9113 (6.8) therefore has a server say first, by the highest number there is, that
// it will go, and take what still comes.
type frames struct {
	net.Conn
	state *tls.ConnectionState // nil in clear

	mu     sync.Mutex
	scan   scan
	going  bool // the client is to be told
	told   bool
	failed bool
}

// goingAway is GOAWAY of stream 2^31-1, without an error.
var goingAway = []byte{0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0}

// Write writes p, and goingAway at the first end of a frame in or after it, once the client is to be told.
func (f *frames) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.going || f.told {
		f.scan.pass(p)
		return f.write(p)
	}
	end := f.scan.toEnd(p)
	n, err := f.write(p[:end])
	if err != nil {
		return n, err
	}
	f.tellLocked()
	f.scan.pass(p[end:])
	more, err := f.write(p[end:])
	return n + more, err
}

func (f *frames) write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := f.Conn.Write(p)
	f.failed = f.failed || err != nil
	return n, err
}

// goAway tells the client that the server will go, now or at the end of the frame that is being written. A slow client can make it wait
// for as long as a write may.
func (f *frames) goAway() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.going = true
	f.tellLocked()
}

// tellLocked writes goingAway between two frames, but not before the first, which has to be SETTINGS.
func (f *frames) tellLocked() {
	if f.told || f.failed || !f.scan.between || !f.scan.begun {
		return
	}
	f.told = true
	_, _ = f.write(goingAway) // who cannot be told will not write again
}

// scan follows a stream of frames.
type scan struct {
	head    [3]byte // the length of the frame that begins, as far as it has come
	had     int     // how much of a frame's header of nine bytes has passed
	left    int     // of the frame's content, once the header has
	begun   bool    // a frame has passed
	between bool    // nothing of a further one
}

const frameHeader = 9

func (s *scan) pass(p []byte) {
	for len(p) > 0 {
		p = p[s.step(p):]
	}
}

// toEnd passes p up to the first end of a frame and returns how much that is, all of it when there is none.
func (s *scan) toEnd(p []byte) int {
	for n := 0; n < len(p); {
		if n += s.step(p[n:]); s.between {
			return n
		}
	}
	return len(p)
}

// step passes the rest of a header or of a content, as far as p has it.
func (s *scan) step(p []byte) int {
	n := 0
	if s.had < frameHeader {
		n = min(frameHeader-s.had, len(p))
		copy(s.head[min(s.had, len(s.head)):], p[:n])
		if s.had += n; s.had == frameHeader {
			s.left = int(s.head[0])<<16 | int(s.head[1])<<8 | int(s.head[2])
		}
	} else {
		n = min(s.left, len(p))
		s.left -= n
	}
	if s.between = s.had == frameHeader && s.left == 0; s.between {
		s.had, s.begun = 0, true
	}
	return n
}

type tlsKey struct{}

// withTLS keeps the state of the TLS that a connection came through for its requests.
func withTLS(ctx context.Context, c net.Conn) context.Context {
	if f, ok := c.(*frames); ok && f.state != nil {
		return context.WithValue(ctx, tlsKey{}, f.state)
	}
	return ctx
}

// telling gives requests the TLS that they came through: net/http knows it of its own TLS connections alone.
func telling(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if state, ok := r.Context().Value(tlsKey{}).(*tls.ConnectionState); ok {
			r.TLS = state
		}
		h.ServeHTTP(w, r)
	})
}
