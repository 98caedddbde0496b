package proxy

import "time"

// stall bounds how long a body may stand still, by deadlines that are moved a few times a minute, not with each piece.
type stall struct {
	upload, client time.Time // when the deadline for each was set; zero: there is none
}

// due returns a new deadline when it is time for one.
func (x *exchange1) due(set *time.Time) (time.Time, bool) {
	limit := x.client.proxy.bodyIdle
	now := time.Now()
	if now.Sub(*set) < limit/8 {
		return time.Time{}, false
	}
	*set = now
	return now.Add(limit), true
}

// awaitUpload is to be called before more of the request's body is read. Once the answer has begun the two are in a
// conversation, where a client may be silent.
func (x *exchange1) awaitUpload() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.state.answered {
		if x.undisturbedLocked() && !x.stall.upload.IsZero() {
			_ = x.client.conn.SetReadDeadline(time.Time{})
		}
		return
	}
	if due, ok := x.due(&x.stall.upload); ok && x.undisturbedLocked() {
		_ = x.client.conn.SetReadDeadline(due)
	}
}

// awaitClient is to be called before more of the answer's body is written. Its beginning needs none: the time that a
// request may take bounds it, and most answers have no more.
func (x *exchange1) awaitClient() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if due, ok := x.due(&x.stall.client); ok && x.undisturbedLocked() {
		_ = x.client.conn.SetWriteDeadline(due)
	}
}

// undisturbedLocked reports that no deadline was set to end something.
func (x *exchange1) undisturbedLocked() bool { return !x.state.ended() && !x.state.stopping }

// forgetStalls takes the deadlines off connections that go on.
func (x *exchange1) forgetStalls() {
	if !x.stall.client.IsZero() {
		_ = x.client.conn.SetWriteDeadline(time.Time{})
	}
	if !x.stall.upload.IsZero() {
		_ = x.client.conn.SetReadDeadline(time.Time{})
	}
	x.stall = stall{}
}
