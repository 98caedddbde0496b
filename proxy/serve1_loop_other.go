//go:build !linux

package proxy

import "net"

// Elsewhere than on Linux there is no loop, and each connection has a goroutine.
type (
	loop  struct{}
	loops struct{}

	pollConn struct{ net.Conn }

	polled struct{ loop *loop }
)

func (c *client) serveInLoop([]byte) bool { return false }
func (c *client) returnToLoop() bool      { return false }
func (l *loop) tellCut(*exchange1)        {}
