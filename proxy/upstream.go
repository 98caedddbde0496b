package proxy

import (
	"net"
	"slices"
	"sync"
	"time"
)

// upstream is a connection to an instance that speaks HTTP/1.1. It belongs to one request, or to its instance's idle ones.
type upstream struct {
	conn     net.Conn
	instance *instance
	reused   bool // it has carried an answer: the instance may have closed it for its age
	ended    bool // the instance sends nothing more
	loop     *loop
	poll     *pollConn  // conn, when loop watches it
	x        *exchange1 // whose answer the loop waits for
	idleAt   time.Time
	look     *look
}

// newUpstream makes a connection to the instance one for requests, in the loop of their client if it has one.
func newUpstream(conn net.Conn, in *instance, l *loop) *upstream {
	u := &upstream{conn: conn, instance: in}
	if l != nil {
		u.enter(l)
	}
	return u
}

// close closes the connection. Whoever calls it has it: no other request, nor the idle ones.
func (u *upstream) close() {
	u.leaveLoop()
	_ = u.conn.Close()
}

// alive reports that the instance has not closed the connection, as far as can be told without waiting.
func (u *upstream) alive() bool {
	if c, ok := u.conn.(interface{ alive() bool }); ok {
		return c.alive()
	}
	if u.look == nil {
		u.look = newLook(u.conn)
	}
	return u.look.alive()
}

// idleConns are an instance's connections that no request uses. The last one used is used first, so that what is not
// needed grows old and is closed.
type idleConns struct {
	max int

	mu     sync.Mutex
	conns  []*upstream // the oldest first
	closed bool
	timer  *time.Timer
	armed  bool
}

// take returns a connection that a request may have, or nil.
func (i *idleConns) take(l *loop) *upstream {
	i.mu.Lock()
	defer i.mu.Unlock()
	for n := len(i.conns) - 1; n >= 0; n-- {
		if u := i.conns[n]; u.loop == l {
			i.conns = append(i.conns[:n], i.conns[n+1:]...)
			return u
		}
	}
	return nil
}

// takeOut is take for a goroutine, which may have a connection outside of the loop as well.
func (i *idleConns) takeOut(l *loop) *upstream {
	if l == nil {
		return i.take(nil)
	}
	if u := i.take(l); u != nil {
		u.leaveLoop()
		return u
	}
	return i.take(nil)
}

// remove takes u out and reports whether it was idle.
func (i *idleConns) remove(u *upstream) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := slices.Index(i.conns, u)
	if n >= 0 {
		i.conns = slices.Delete(i.conns, n, n+1)
	}
	return n >= 0
}

// put keeps the connection for another request, or closes it when there are enough or the instance has been retired.
func (i *idleConns) put(u *upstream) {
	u.reused, u.idleAt = true, time.Now()
	i.mu.Lock()
	if u.ended || i.closed || len(i.conns) >= i.max {
		i.mu.Unlock()
		u.close()
		return
	}
	u.enterIdle()
	i.conns = append(i.conns, u)
	if !i.armed {
		i.armLocked(idleTimeout)
	}
	i.mu.Unlock()
}

func (i *idleConns) armLocked(in time.Duration) {
	i.armed = true
	if i.timer == nil {
		i.timer = time.AfterFunc(in, i.closeOld)
		return
	}
	i.timer.Reset(in)
}

// closeOld closes the connections that have not been used for idleTimeout, and sets the timer for the next.
func (i *idleConns) closeOld() {
	i.mu.Lock()
	i.armed = false
	now, n := time.Now(), 0
	for n < len(i.conns) && now.Sub(i.conns[n].idleAt) >= idleTimeout {
		n++
	}
	old := append([]*upstream(nil), i.conns[:n]...)
	i.conns = append(i.conns[:0], i.conns[n:]...)
	if len(i.conns) > 0 {
		i.armLocked(idleTimeout - now.Sub(i.conns[0].idleAt))
	}
	i.mu.Unlock()
	for _, u := range old {
		u.close()
	}
}

// retire lets no connection become idle any more.
func (i *idleConns) retire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
}

// closeAll closes what is idle.
func (i *idleConns) closeAll() {
	i.mu.Lock()
	conns := i.conns
	i.conns = nil
	if i.timer != nil {
		i.armed = false
		i.timer.Stop()
	}
	i.mu.Unlock()
	for _, u := range conns {
		u.close()
	}
}
