package proxy

import (
	"syscall"
	"time"

	"apron/proxy/http1"
)

// What a loop does for the requests that are simple: head and body have come, an instance has room and an idle
// connection, its answer goes to the client in the framing that it has. For anything else it lets go.

const (
	joinBelow  = 8 << 10  // a body of an answer that is copied behind its head, rather than written as a piece of its own
	mostSimple = 16 << 10 // the largest request that is sure to go into the buffer of an idle connection
	mostRounds = 16       // reads of one answer, after which it is a goroutine's: others wait
)

// serveInLoop gives the connection to a loop, if it is one that a loop can serve.
func (c *client) serveInLoop(read []byte) bool {
	if c.via.TLS != nil {
		return false
	}
	tcp, l := tcpOf(c.conn), c.proxy.loops.next()
	if tcp == nil || l == nil {
		return false
	}
	conn, err := l.adopt(tcp)
	if err != nil {
		c.close()
		return true
	}
	conn.client = c
	c.conn, c.watch.conn, c.poll, c.loop = conn, conn, conn, l
	if c.via.Moved != nil {
		c.via.Moved(conn)
	}
	if err := l.enter(conn); err != nil {
		c.close()
		return true
	}
	l.give(c, append([]byte(nil), read...))
	return true
}

// welcome takes a client that a goroutine had.
func (l *loop) welcome(a arrival) {
	c := a.client
	if !c.poll.toLoop() {
		l.end(c)
		return
	}
	l.rest(c)
	c.more, c.unsure = true, true
	if len(a.read) > 0 {
		c.x = l.borrow(c)
		c.x.in = append(c.x.in, a.read...)
		l.beginReading(c)
		l.advance(c)
		return
	}
	l.read(c)
}

// rest makes the client one that waits for a request.
func (l *loop) rest(c *client) {
	c.setIdle(true)
	c.due = l.now.Add(c.proxy.keepAlive)
	c.seen, c.more = 0, false
	c.move(&l.idle)
}

func (l *loop) beginReading(c *client) {
	c.setIdle(false)
	c.due = l.now.Add(c.proxy.headerTimeout)
	c.move(&l.reading)
}

// end closes a client's connection.
func (l *loop) end(c *client) {
	c.move(nil)
	if c.x != nil {
		l.giveBack(c)
	}
	c.poll.closeInLoop()
	c.watch.stop()
	c.end()
}

// mostSpare is how many exchanges a loop keeps for itself.
const mostSpare = 64

func (l *loop) borrow(c *client) *exchange1 {
	n := len(l.spare)
	if n == 0 {
		return borrowExchange(c)
	}
	x := l.spare[n-1]
	l.spare = l.spare[:n-1]
	x.client = c
	return x
}

func (l *loop) giveBack(c *client) {
	x := c.x
	c.x = nil
	if len(l.spare) == mostSpare {
		x.giveBack()
	} else if x.clear() {
		l.spare = append(l.spare, x)
	}
}

func (l *loop) clientReady(c *client, events uint32) {
	if c.list != &l.flying {
		if events&(syscall.EPOLLIN|pollGone) != 0 {
			c.eof = c.eof || events&pollGone != 0
			l.read(c)
		}
		return
	}
	c.more = c.more || events&syscall.EPOLLIN != 0
	if events&pollGone != 0 {
		c.x.noteGone()
		l.letGo(c)
	}
}

// read reads what a client has sent of its next request, and goes on with it.
func (l *loop) read(c *client) {
	if c.x == nil {
		c.x = l.borrow(c)
	}
	room := c.x.room()
	n, errno := receive1(c.poll.fd, room, 0)
	switch {
	case errno == syscall.EAGAIN:
		if c.more, c.unsure = false, false; len(c.x.in) == 0 {
			l.giveBack(c)
		}
		return
	case errno != 0 || n == 0:
		l.end(c)
		return
	}
	if len(c.x.in) == 0 {
		l.beginReading(c)
	}
	c.x.in = c.x.in[:len(c.x.in)+n]
	c.more = n == len(room) || c.eof || c.unsure
	l.advance(c)
}

// advance goes on with a client of whose next request something has been read.
func (l *loop) advance(c *client) {
	x := c.x
	if http1.End(x.in, c.seen) == 0 {
		if x.tooLarge() != nil {
			l.leave(c, func() { c.serveOn(x) })
		} else if c.seen = len(x.in); c.more {
			l.read(c)
		}
		return
	}
	svc := x.simple()
	if svc == nil || !c.proxy.begin(&x.flight, svc, x) {
		l.leave(c, func() { c.serveOn(x) })
		return
	}
	x.depart()
	c.move(&l.flying)
	x.mu.Lock()
	x.state.inLoop = true
	x.mu.Unlock()
	if !l.ask(x) {
		l.letGo(c)
	}
}

// simple reads the head and returns the service if nothing about the request is unusual. It does nothing yet.
func (x *exchange1) simple() *service {
	if x.req.Parse(x.in) != nil || x.req.Continue || x.req.Upgrade.Len() > 0 || x.req.Is(x.in, "CONNECT") {
		return nil
	}
	x.taken, x.upload = x.req.Size, x.req.Body()
	n, done, err := x.upload.Scan(x.in[x.taken:])
	x.taken += n
	x.state.bodyRead = done
	svc := x.client.proxy.lookupBytes(x.req.Host.Of(x.in))
	if err != nil || !done || x.taken > mostSimple || svc == nil || svc.h2c.Load() {
		return nil
	}
	return svc
}

// ask sends the request to an instance. It reports false when that needs waiting.
func (l *loop) ask(x *exchange1) bool {
	if limit := x.limits.BodyLimit; limit > 0 && x.upload.Payload > limit {
		return false
	}
	in := x.tryInstance()
	if in == nil {
		return false
	}
	up := in.idle.take(l)
	for ; up != nil && !x.repeatable() && !up.alive(); up = in.idle.take(l) {
		up.close()
	}
	if up == nil {
		return false
	}
	x.composeRequest()
	n, errno := send1(up.poll.fd, x.out)
	if errno != 0 {
		up.close() // closed by the instance meanwhile; nothing was sent
		return false
	}
	x.unsent = x.out[n:]
	up.x = x
	return x.attach(up) && len(x.unsent) == 0
}

// upstreamReady takes what an instance has sent.
func (l *loop) upstreamReady(up *upstream, events uint32) {
	if events&(syscall.EPOLLIN|pollGone) == 0 {
		return
	}
	x := up.x
	if x == nil {
		if up.instance.idle.remove(up) {
			up.close()
		} else {
			up.poll.wake() // a goroutine has just taken it
		}
		return
	}
	up.ended = up.ended || events&pollGone != 0
	for range mostRounds {
		n, errno := l.receive(up)
		if errno == syscall.EAGAIN {
			return
		}
		if errno != 0 || n == 0 {
			break // whoever reads again will find the same
		}
		if !l.pass(x, l.buf[:n]) || n < len(l.buf) && !up.ended {
			return
		}
	}
	l.letGo(x.client)
}

// pass takes what has come of an answer to the client. It reports false when the exchange is over, or out of the loop's hands.
func (l *loop) pass(x *exchange1, reply []byte) bool {
	x.reply, x.at = reply, 0
	if x.status == 0 && !l.beginAnswer(x) {
		x.reply = append(buffers.Get()[:0], reply...)
		l.letGo(x.client)
		return false
	}
	body := reply[x.at:]
	n, done, err := x.answer.Scan(body)
	x.at += n
	if done {
		x.release()
	}
	whole := l.send(x, body[:n])
	x.reply, x.at = nil, 0
	if err != nil || !whole {
		c := x.client
		l.leave(c, func() { c.resume(x, func() { x.relay(done, err) }) })
		return false
	}
	x.out = x.out[:0]
	if done {
		l.finish(x)
	}
	return !done
}

// beginAnswer reads the answer's head and makes the client's in out. It reports false for one that is not simple.
func (l *loop) beginAnswer(x *exchange1) bool {
	x.firstByte = time.Since(x.began)
	if http1.End(x.reply, 0) == 0 || x.res.Parse(x.reply) != nil || x.res.Status < 200 {
		return false
	}
	if body := x.res.Body(false); body.UntilClose() || body.Chunked() && x.req.Minor == 0 {
		return false
	}
	x.instance.succeeded()
	x.beginAnswer()
	x.out = x.composeAnswer(x.out[:0])
	x.at = x.res.Size
	return true
}

// send writes out and body. What the client does not take at once is in out afterwards.
func (l *loop) send(x *exchange1, body []byte) (whole bool) {
	fd, head := x.client.poll.fd, len(x.out)
	var n int
	var errno syscall.Errno
	switch {
	case len(body) > joinBelow && head > 0:
		n, errno = send2(fd, x.out, body)
	case len(body) > joinBelow:
		n, errno = send1(fd, body)
	default:
		x.out = append(x.out, body...)
		body, head = nil, len(x.out)
		n, errno = send1(fd, x.out)
	}
	if errno == 0 && n == head+len(body) {
		return true
	}
	x.out = append(x.out[min(n, head):], body[max(n-head, 0):]...)
	return false
}

// finish ends an exchange whose answer the client has, and goes on with its next.
func (l *loop) finish(x *exchange1) {
	c := x.client
	x.mu.Lock()
	x.state.inLoop = false
	x.keep = x.keep && !x.state.ended()
	x.mu.Unlock()
	x.land(false)
	if !x.keep {
		l.end(c)
		return
	}
	x.next()
	more := c.more
	if c.seen = 0; len(x.in) > 0 {
		l.beginReading(c)
		l.advance(c)
		return
	}
	l.giveBack(c)
	if l.rest(c); more {
		l.read(c)
	}
}
