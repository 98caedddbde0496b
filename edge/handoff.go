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

// reread is a connection from which what was taken is read once more.
type reread struct {
	net.Conn // the client's, or the TLS on it
	place    *conn
	unread   []byte
}

// again gives stream the bytes back that were read from it. net/http asks a connection for the TLS that it came through.
func again(place *conn, stream net.Conn, unread []byte, state *tls.ConnectionState) net.Conn {
	c := &reread{stream, place, unread}
	if state != nil {
		return overTLS{c, state}
	}
	return c
}

func (c *reread) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// Close closes the connection and gives its place free.
func (c *reread) Close() error {
	defer c.place.table.leave(c.place)
	return c.Conn.Close()
}

type overTLS struct {
	*reread
	state *tls.ConnectionState
}

func (c overTLS) ConnectionState() tls.ConnectionState { return *c.state }
