//go:build unix

package proxy

import (
	"net"
	"syscall"
)

// look tells whether a connection on which nothing should come has come to its end, or has bytes that nobody asked for.
// Without that look a request that can't be sent twice would be lost whenever the instance closed just before.
type look struct {
	conn  syscall.RawConn
	peek  func(fd uintptr) bool // peekAt, made once
	quiet bool
}

func newLook(c net.Conn) *look {
	l := &look{}
	l.peek = l.peekAt
	if raw, ok := c.(syscall.Conn); ok {
		l.conn, _ = raw.SyscallConn() // an error is a connection that has been closed, as alive will find
	}
	return l
}

func (l *look) peekAt(fd uintptr) bool {
	var b [1]byte
	_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	l.quiet = err == syscall.EAGAIN
	return true
}

// alive reports that nothing has come. Of a connection that can't be looked at it is believed.
func (l *look) alive() bool {
	if l.conn == nil {
		return true
	}
	l.quiet = false
	return l.conn.Read(l.peek) == nil && l.quiet
}
