package edge

import (
	"context"
	"net/http"
	"time"
)

// Drain accepts no more and closes the listeners. What is open goes on: the next answer on each connection says that it is the
// last one there, and one on which no request comes stays until its idle time-out, because a request may be on its way to it. Clients that
// speak HTTP/2 are told at once, by a GOAWAY after which they may still send. It does not wait.
func (s *Server) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining.CompareAndSwap(false, true) {
		return
	}
	s.drained = time.Now()
	for l := range s.listeners {
		_ = l.Close() // Serve reports what matters of it
	}
	clear(s.listeners)
	for _, c := range s.conns.list() {
		if f := c.frames.Load(); f != nil {
			go f.goAway() // a client that reads nothing holds up nobody but itself
		}
	}
}

// CloseIdle drains, and closes the connections on which no request is under way, for an end after which nobody listens here
// anyway. It does not wait.
func (s *Server) CloseIdle() {
	s.Drain()
	s.conns.closeIdle()
	done, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.web.Shutdown(done) // begins it, with HTTP/2's GOAWAY; the waiting is Shutdown's
}

// Shutdown drains and waits until the last connection has ended. At ctx's end it cuts those that are left and returns ctx's
// error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	err := s.conns.wait(ctx)
	if err != nil {
		s.conns.closeAll()
	}
	s.handoff.Close()
	_ = s.web.Close() // its listener is closed already
	return err
}

// closing makes a handler's answers the last on their connections once the server drains: HTTP/1.x by the header, HTTP/2 by the
// GOAWAY that net/http makes of it. Those of HTTP/1.x are it always: net/http takes what proxy.ServeConn refuses, such as both a
// Content-Length and a Transfer-Encoding, and a proxy in front may see the end of the request elsewhere. What it hides
// behind that is never read.
func (s *Server) closing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(&lastAnswer{ResponseWriter: w, server: s, http2: r.ProtoMajor == 2}, r)
	})
}

// lastAnswer looks when the answer begins whether it is the last: a drain may have begun since the request came.
type lastAnswer struct {
	http.ResponseWriter
	server *Server
	http2  bool
	begun  bool
}

// Unwrap lets http.ResponseController reach the server's own writer.
func (w *lastAnswer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *lastAnswer) WriteHeader(status int) {
	if status >= 200 {
		w.begun = true
		if w.server.last(w.http2) {
			w.Header().Set("Connection", "close")
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *lastAnswer) Write(p []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// sentBefore is how long a request may be on its way that a client sent before it was told that the server goes.
const sentBefore = 5 * time.Second

// last reports whether an answer that begins now is to be its connection's last: each one of HTTP/1.x. In HTTP/2 it takes none after
// it, so clients get the time to hear of a drain first.
func (s *Server) last(http2 bool) bool {
	if !http2 || !s.draining.Load() {
		return !http2
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.drained) > sentBefore
}
