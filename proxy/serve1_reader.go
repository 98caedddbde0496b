package proxy

import (
	"io"
	"time"
)

// startReader starts a goroutine that takes what is to come of the request's body to the instance, and then watches for
// the client's end. There is at most one a request, and none for most: only a body that did not come with its head, or
// an answer that takes a while, makes it worth one.
func (x *exchange1) startReader() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.reader != nil || x.state.stopping || x.state.ended() || !x.state.bodyRead && !x.state.sent {
		return
	}
	x.reader = make(chan struct{})
	go x.read(x.up, x.state.bodyRead)
}

func (x *exchange1) read(up *upstream, whole bool) {
	defer close(x.reader)
	buf := buffers.Get()
	defer buffers.Put(buf)
	if !whole && !x.readBody(up, buf) {
		return
	}
	n, err := x.client.conn.Read(buf)
	x.ahead = append(x.ahead, buf[:n]...) // the next request: it waits for its turn, and its connection lives
	if n == 0 && err != nil {
		x.noteGone()
	}
}

// readBody takes the body to the instance and reports whether it came there whole.
func (x *exchange1) readBody(up *upstream, buf []byte) bool {
	for {
		x.awaitUpload()
		n, err := x.client.conn.Read(buf)
		if isTimeout(err) && x.stalls() {
			continue
		}
		m, done, malformed := x.upload.Scan(buf[:n])
		if limit := x.limits.BodyLimit; limit > 0 && x.upload.Payload > limit {
			malformed = errBodyLimit
		}
		if m > 0 && malformed == nil {
			if _, werr := up.conn.Write(buf[:m]); werr != nil {
				x.noteRefused()
				return false
			}
		}
		switch {
		case malformed != nil:
			x.noteRequestErr(malformed)
			return false
		case done:
			x.ahead = append(x.ahead, buf[m:n]...)
			return x.noteBodyRead() && m == n
		case err != nil:
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			x.noteRequestErr(err)
			return false
		}
	}
}

// stalls judges a client that has sent nothing for long. It reports whether to wait on.
func (x *exchange1) stalls() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.undisturbedLocked() {
		return false
	}
	if x.state.answered {
		_ = x.client.conn.SetReadDeadline(time.Time{})
		return true
	}
	x.state.cause = errBodyStalled
	x.abortLocked()
	return false
}

// noteUnread notes that the client has taken nothing of its answer for long.
func (x *exchange1) noteUnread(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if isTimeout(err) && x.undisturbedLocked() {
		x.state.cause = errAnswerStalled
	}
}

func (x *exchange1) noteBodyRead() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.state.bodyRead = true
	if x.undisturbedLocked() && !x.stall.upload.IsZero() {
		_ = x.client.conn.SetReadDeadline(time.Time{}) // the client's turn is over: it may be silent now
	}
	return !x.state.stopping
}

// noteRefused notes that the instance does not take the body. It may have answered before, or will be found closed.
func (x *exchange1) noteRefused() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.state.refused = true
}

func (x *exchange1) noteRequestErr(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.undisturbedLocked() {
		return
	}
	x.state.requestErr = err
	x.abortLocked()
}

func (x *exchange1) noteGone() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.undisturbedLocked() {
		return
	}
	x.state.gone = true
	x.abortLocked()
}

// stopReader returns when the reader has ended, if there was one.
func (x *exchange1) stopReader() {
	x.mu.Lock()
	x.state.stopping = true
	reader := x.reader
	if reader != nil {
		_ = x.client.conn.SetReadDeadline(longAgo)
	}
	x.mu.Unlock()
	if reader == nil {
		return
	}
	<-reader
	_ = x.client.conn.SetReadDeadline(time.Time{})
}

const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 1 << 20
)

// linger lets the client read an answer that came before it had sent everything: closing a connection with unread bytes
// resets it, and what the client has not read yet is lost.
func (x *exchange1) linger() {
	conn := x.client.conn
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
	_ = conn.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, conn, lingerBytes)
}
