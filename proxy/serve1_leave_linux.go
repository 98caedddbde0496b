package proxy

import "time"

// How a client leaves its loop for a goroutine, and comes back.

// letGo gives an exchange before its answer's beginning, or one that reads its answer's body, to a goroutine.
func (l *loop) letGo(c *client) {
	x := c.x
	if x.status != 0 {
		x.out = x.out[:0]
		l.leave(c, func() { c.resume(x, func() { x.relay(false, nil) }) })
		return
	}
	l.leave(c, func() { c.resume(x, x.fly) })
}

// leave gives a client to a goroutine.
func (l *loop) leave(c *client, do func()) {
	x := c.x
	c.move(nil)
	c.x = nil
	c.poll.inLoop.Store(false)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.state.inLoop = false
	if up := x.up; up != nil {
		up.x = nil
		up.poll.inLoop.Store(false)
	}
	go do()
}

// dropCut gives an exchange that was cut to a goroutine, which tells the client.
func (l *loop) dropCut(x *exchange1) {
	x.mu.Lock()
	here := x.state.inLoop && x.state.ended()
	x.mu.Unlock()
	if here {
		l.letGo(x.client)
	}
}

// resume goes on with an exchange that a loop began.
func (c *client) resume(x *exchange1, do func()) {
	c.watch.expect(time.Now().Add(clientPatience), watchClient, x)
	do()
	x.finish()
	if !x.keep {
		x.giveBack()
		c.close()
		return
	}
	x.next()
	c.serveOn(x)
}

// returnToLoop gives an idle client back.
func (c *client) returnToLoop() bool {
	if c.loop == nil {
		return false
	}
	c.watch.expect(time.Time{}, nothing, nil)
	c.loop.give(c, nil)
	return true
}
