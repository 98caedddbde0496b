package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// dialer connects to one server, and holds each address that its name leads to against where it may lead: a name that
// someone else controls can be made to point into the local network between two look-ups.
type dialer struct {
	nearest  atomic.Int32 // a zone: closer ones are refused
	farthest zone         // farther ones are refused
	reached  atomic.Int32 // the zone of the last connection
}

// zoneError says that a server's name led where it must not lead.
type zoneError struct {
	addr netip.Addr
	why  string
}

func (e *zoneError) Error() string {
	return fmt.Sprintf("it has the address %s, and %s", e.addr, e.why)
}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nd := net.Dialer{Timeout: 20 * time.Second, Control: d.control}
	return nd.DialContext(ctx, network, addr)
}

// control sees the IP address that is about to be connected to.
func (d *dialer) control(_, addr string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return errors.New("an address of no known form")
	}
	z := zoneOf(ap.Addr())
	switch {
	case z < zone(d.nearest.Load()):
		return &zoneError{ap.Addr().Unmap(), "a repository elsewhere must not make apron read from this machine or its network"}
	case z > d.farthest:
		return &zoneError{ap.Addr().Unmap(), "over http anybody on the way can change the source; use https"}
	}
	d.reached.Store(int32(z))
	return nil
}

// forRepository is the dialer for a repository that a service names: anywhere, but unencrypted only on near networks.
func forRepository(a address) *dialer {
	d := &dialer{farthest: public}
	if a.scheme == "http" {
		d.farthest = private
	}
	return d
}

// forSubmodule is the dialer for a submodule of a repository that was met in the given zone: a repository must not reach
// into a network that its own server is not in.
func forSubmodule(a address, superproject zone) *dialer {
	d := forRepository(a)
	d.nearest.Store(int32(superproject))
	return d
}

// stay keeps what follows, such as a redirect, from leading closer than the last connection did.
func (d *dialer) stay() { d.nearest.Store(d.reached.Load()) }

func (d *dialer) zone() zone { return zone(d.reached.Load()) }
