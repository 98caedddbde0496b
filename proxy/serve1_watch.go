package proxy

import (
	"sync"
	"time"
)

// deed is what a watch does when the time has come.
type deed uint8

const (
	nothing     deed = iota
	endReading       // no request, or not all of its head, has come
	watchClient      // the answer takes a while: look whether the client is still there
	endRequest       // it took longer than a request may
)

// watch is the one timer of a connection. A request moves what it waits for many times; the timer itself is set anew
// only when it fires too early, a few times a second on a busy connection and not at all for most requests.
type watch struct {
	mu    sync.Mutex
	timer *time.Timer
	armed time.Time // when the timer fires; zero when it is not set
	due   time.Time
	deed  deed
	conn  interface{ SetReadDeadline(time.Time) error }
	x     *exchange1
}

// longAgo is a deadline that ends what blocks now.
var longAgo = time.Unix(1, 0)

// expect replaces what the watch does, and when. The deed is under way for no request but x.
func (w *watch) expect(due time.Time, d deed, x *exchange1) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due, w.deed, w.x = due, d, x
	if d != nothing && (w.armed.IsZero() || due.Before(w.armed)) {
		w.armLocked(due)
	}
}

func (w *watch) armLocked(at time.Time) {
	w.armed = at
	if w.timer == nil {
		w.timer = time.AfterFunc(time.Until(at), w.fire)
		return
	}
	w.timer.Reset(time.Until(at))
}

func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = time.Time{}
	if w.deed == nothing {
		return
	}
	if time.Now().Before(w.due) {
		w.armLocked(w.due)
		return
	}
	w.doLocked()
}

func (w *watch) doLocked() {
	d, x := w.deed, w.x
	w.deed = nothing
	switch d {
	case endReading:
		_ = w.conn.SetReadDeadline(longAgo)
	case watchClient:
		w.due, w.deed = x.deadline, endRequest
		w.armLocked(w.due)
		x.startReader()
	case endRequest:
		x.cut(errTimeout)
	}
}

// stop ends the watch. What it began to do it has done.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deed, w.x = nothing, nil
	if w.timer != nil {
		w.timer.Stop()
	}
}
