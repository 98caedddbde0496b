package edge

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
)

// conn is a client's connection with its place in the table. What was read to tell its protocol is read from it once more.
type conn struct {
	net.Conn
	table  *table
	client netip.Addr
	head   [len(preface)]byte
	unread []byte      // of head
	idle   atomic.Bool // no request is under way, so that it may be closed when nobody listens any more

	moved  atomic.Pointer[net.Conn] // as what the connection goes on, once Conn is closed
	closed atomic.Bool

	frames atomic.Pointer[frames] // what of it is HTTP/2
}

func (c *conn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// CloseWrite ends what is sent to the client, from whom more can be read, where the connection can do that.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// move notes that the connection goes on as another.
func (c *conn) move(to net.Conn) {
	c.moved.Store(&to)
	if c.closed.Load() {
		_ = to.Close() // Close came before it could know
	}
}

// Close closes the connection and gives its place free.
func (c *conn) Close() error {
	defer c.table.leave(c)
	c.closed.Store(true)
	if moved := c.moved.Load(); moved != nil {
		return (*moved).Close()
	}
	return c.Conn.Close()
}
