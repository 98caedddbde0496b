package edge

import (
	"crypto/tls"
	"net"
	"sync"
)

// handoff is a net.Listener whose connections come from within the program.
type handoff struct {
	conns chan net.Conn
	done  chan struct{}
	end   func()
}

func newHandoff() *handoff {
	h := &handoff{conns: make(chan net.Conn), done: make(chan struct{})}
	h.end = sync.OnceFunc(func() { close(h.done) })
	return h
}

// give hands c to whoever accepts, and reports whether there is anybody.
func (h *handoff) give(c net.Conn) bool {
	select {
	case h.conns <- c:
		return true
	case <-h.done:
		return false
	}
}

func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handoff) Close() error {
	h.end()
	return nil
}

func (h *handoff) Addr() net.Addr { return handoffAddr{} }

type handoffAddr struct{}

func (handoffAddr) Network() string { return "handoff" }
func (handoffAddr) String() string  { return "services' port" }

// read is a connection whose first bytes were taken from it already. net/http asks it for the TLS that it came through.
type read struct {
	net.Conn
	unread []byte
	state  *tls.ConnectionState
}

func (c *read) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

type secureRead struct{ *read }

func (c secureRead) ConnectionState() tls.ConnectionState { return *c.state }
