//go:build unix

package proxy

import (
	"net"
	"syscall"
)

// connAlive looks whether a connection on which nothing should come has come to its end, or has bytes that nobody asked
// for. Without that look a request that can't be sent twice would be lost whenever the instance closed just before.
func connAlive(c net.Conn) bool {
	raw, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	conn, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	alive := false
	err = conn.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		alive = err == syscall.EAGAIN
		return true
	})
	return err == nil && alive
}
