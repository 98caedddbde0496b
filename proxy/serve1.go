package proxy

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"
)

// Via is how a connection came to ServeConn. The zero value is for one that came without TLS, to a server that serves
// nothing but it.
type Via struct {
	TLS *tls.ConnectionState // nil without TLS

	// Fallback takes the connection over, with what was read from it and not yet answered, when a request needs
	// net/http: the service's instances speak HTTP/2. Without it such a request is sent as HTTP/1.1.
	Fallback func(c net.Conn, read []byte)

	// Moved is called when the connection goes on as another net.Conn: the TCP connection that ServeConn was given, or
	// that lies below what it was given (its method NetConn returns it), is closed. Who wants to end the connection
	// closes the new one, and something that lay above the old one must use the new one from now on. It must not block.
	// Nil: nobody needs to know.
	Moved func(net.Conn)

	// Ended, if not nil, is called when the connection has ended or after Fallback, and ServeConn may return before that: an idle
	// connection then holds no goroutine.
	Ended func()

	// Idle, if not nil, is true while no request is under way, from its head's first byte to its answer's last.
	Idle *atomic.Bool

	// Last, if not nil and true, makes answers say that they are the last on their connection.
	Last *atomic.Bool
}

// ServeConn serves HTTP/1.0 and 1.1 on c until it ends, and closes it. read are bytes that were read from it before.
// It blocks as long as the connection lives, unless via.Ended is set.
func (p *Proxy) ServeConn(c net.Conn, read []byte, via Via) {
	cl := newClient(p, c, via)
	if via.Ended == nil {
		ended := make(chan struct{})
		cl.via.Ended = func() { close(ended) }
		defer func() { <-ended }()
	}
	if !cl.serveInLoop(read) {
		cl.serve(read)
	}
}

// firstRead is how much of a request is read at once on a connection that was idle: most heads fit, and it is all the
// memory for reading that an idle connection holds.
const firstRead = 512

// client is one HTTP/1.x connection of a client. What one request needs it borrows from a pool.
type client struct {
	proxy    *Proxy
	conn     net.Conn
	via      Via
	original net.Conn // what ServeConn was given; conn, unless a loop took it over
	addr     string   // without its port
	trusted  bool     // what it says of whom it forwards for is believed
	moved    bool     // somebody else has the connection now
	watch    watch
	polled   // where an event loop serves it
	first    []byte
}

func newClient(p *Proxy, c net.Conn, via Via) *client {
	cl := &client{proxy: p, conn: c, original: c, via: via, addr: c.RemoteAddr().String()}
	if host, _, err := net.SplitHostPort(cl.addr); err == nil {
		cl.addr = host
	}
	cl.trusted = p.trusts(cl.addr)
	cl.watch.conn = c
	return cl
}

// serve answers one request after another. read is what was read of the first.
func (c *client) serve(read []byte) {
	x := borrowExchange(c)
	x.in = append(x.in, read...)
	c.serveOn(x)
}

// serveOn answers the request that x holds the beginning of, and those after it. It returns when the connection has
// ended or is in other hands.
func (c *client) serveOn(x *exchange1) {
	for {
		if len(x.in) == 0 {
			x.giveBack()
			if c.returnToLoop() {
				return
			}
			if x = c.awaitRequest(); x == nil {
				break
			}
		}
		if !x.readHead() || !x.handle() {
			x.giveBack()
			break
		}
		x.next()
	}
	c.close()
}

func (c *client) close() {
	c.watch.stop()
	if !c.moved {
		_ = c.conn.Close()
	}
	c.end()
}

// end says that the connection has ended. It is the last thing that is done for it.
func (c *client) end() {
	if !c.moved && c.original != c.conn {
		_ = c.original.Close() // it was left behind, but whoever made it may have more to close
	}
	c.via.Ended()
}

// awaitRequest waits without an exchange of its own for the first bytes of a request. It returns nil when none come.
func (c *client) awaitRequest() *exchange1 {
	c.setIdle(true)
	c.watch.expect(time.Now().Add(c.proxy.keepAlive), endReading, nil)
	if c.first == nil {
		c.first = make([]byte, firstRead)
	}
	n, err := c.conn.Read(c.first)
	if err != nil || n == 0 {
		return nil
	}
	x := borrowExchange(c)
	x.in = append(x.in, c.first[:n]...)
	return x
}

// fallBack leaves the connection to net/http.
func (c *client) fallBack(read []byte) {
	c.watch.stop()
	_ = c.conn.SetReadDeadline(time.Time{})
	c.moved = true
	conn := c.original
	if _, bare := conn.(*net.TCPConn); bare {
		conn = c.conn
	}
	c.via.Fallback(conn, append([]byte(nil), read...))
}

func (c *client) setIdle(idle bool) {
	if c.via.Idle != nil {
		c.via.Idle.Store(idle)
	}
}

// last reports whether this answer is to be the connection's last.
func (c *client) last() bool { return c.via.Last != nil && c.via.Last.Load() }

func newExchange1() any {
	return &exchange1{in: make([]byte, 0, usualHead), out: make([]byte, 0, usualHead)}
}

func borrowExchange(c *client) *exchange1 {
	x := c.proxy.exchanges.Get().(*exchange1)
	x.client = c
	return x
}

// giveBack returns x to the pool.
func (x *exchange1) giveBack() {
	if p := x.client.proxy; x.clear() {
		p.exchanges.Put(x)
	}
}

// clear makes x ready for any client, and reports false when one large message has made it too large to keep.
func (x *exchange1) clear() bool {
	if cap(x.in) > 4*usualHead || cap(x.out) > 2*len(buffer{}) || cap(x.req.Fields) > 128 {
		return false
	}
	x.reset()
	x.client, x.in = nil, x.in[:0]
	return true
}
