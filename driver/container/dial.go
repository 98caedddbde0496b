//go:build linux && cgo

package container

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"

	"apron/driver"
)

var loopbacks = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}

// Dial opens a TCP connection to port on the instance's own loopback; see driver.Driver. The connection is a
// *net.TCPConn whose socket belongs to the instance's network namespace: nothing of it passes the bridge.
func (d *Driver) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	inst := d.find(id)
	if inst == nil {
		return nil, driver.ErrNotFound
	}
	p := inst.current()
	if p == nil || p.netns == nil {
		return nil, driver.ErrNotFound
	}
	var err error
	for _, addr := range loopbacks { // a server may listen on one of them only
		var conn *net.TCPConn
		if conn, err = dialIn(ctx, p.netns, netip.AddrPortFrom(addr, uint16(port))); err == nil {
			return conn, nil
		}
		if errors.Is(err, os.ErrClosed) {
			return nil, driver.ErrNotFound // destroyed meanwhile
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
	}
	return nil, err
}

// dialIn connects from within the namespace. Only the making of the socket happens there, on a thread of its own
// for some microseconds; the connection is then waited for like any other.
func dialIn(ctx context.Context, ns *os.File, to netip.AddrPort) (*net.TCPConn, error) {
	home, err := hostNamespace()
	if err != nil {
		return nil, err
	}
	type result struct {
		conn *net.TCPConn
		err  error
	}
	done := make(chan result, 1)
	onThread(func() bool {
		conn, err, back := dialAway(ctx, ns, home, to)
		done <- result{conn, err}
		return back
	})
	r := <-done
	return r.conn, r.err
}

// dialAway makes the socket in ns, goes home from the dialer's Control, before it connects, and tells whether it is
// there.
func dialAway(ctx context.Context, ns, home *os.File, to netip.AddrPort) (_ *net.TCPConn, err error, back bool) {
	if err := enter(ns); err != nil {
		return nil, err, true
	}
	dialer := net.Dialer{KeepAlive: -1, Control: func(string, string, syscall.RawConn) error {
		if err := enter(home); err != nil {
			return fmt.Errorf("leave the instance's network: %w", err)
		}
		back = true
		runtime.UnlockOSThread() // so that waiting for the connection does not block a thread: a third of the time
		return nil
	}}
	// Not DialTCP: even without a local address that binds the socket, and looks for a free port for up to 2 ms.
	conn, err := dialer.DialContext(ctx, "tcp", to.String())
	if !back { // the socket was never made
		back = enter(home) == nil
	}
	if err != nil {
		return nil, err, back
	}
	return conn.(*net.TCPConn), nil, back
}
