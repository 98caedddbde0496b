package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// dialer connects to one server, and holds each address that its name leads to against where it may lead: a name that
// someone else controls can be made to point into the local network between two look-ups.
type dialer struct {
	own      func(addr string) bool // whether HOST:PORT may be this machine itself
	nearest  atomic.Int32           // a zone: closer ones are refused
	farthest zone                   // farther ones are refused
	reached  atomic.Int32           // the zone of the last connection
}

// connectLimit is how long a server may take to answer that it is there.
const connectLimit = 20 * time.Second

// zoneError says that a server's name led where it must not lead.
type zoneError struct {
	addr netip.Addr
	why  string
}

func (e *zoneError) Error() string {
	return fmt.Sprintf("it has the address %s, and %s", e.addr, e.why)
}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nd := net.Dialer{Timeout: connectLimit, Control: func(_, ip string, _ syscall.RawConn) error { return d.check(ip, d.own(addr)) }}
	return nd.DialContext(ctx, network, addr)
}

// check sees the IP address that is about to be connected to.
func (d *dialer) check(addr string, own bool) error {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return errors.New("an address of no known form")
	}
	z, ip := zoneOf(ap.Addr()), ap.Addr().Unmap()
	switch {
	case z < zone(d.nearest.Load()):
		return &zoneError{ip, "a repository elsewhere must not make apron read from this machine or its network"}
	case z == loopback && !own:
		return &zoneError{ip, "apron reads from the machine that it runs on only what its operator names with --loopback-hosts; push the repository to apron, or to another server"}
	case z > d.farthest:
		return &zoneError{ip, "over http anybody on the way can change the source; use https"}
	}
	d.reached.Store(int32(z))
	return nil
}

// dialer is the one for a repository that was named where a server of that zone was met: it must not reach into a network
// that this server is not in, nor unencrypted into far ones. What a service itself names may be in any zone, loopback: but
// this machine and what is linked to it are only for hosts that the operator named, as they are for instances not at all.
func (f *Fetcher) dialer(a address, from zone) *dialer {
	d := &dialer{own: f.own, farthest: public}
	if a.scheme == "http" {
		d.farthest = private
	}
	d.nearest.Store(int32(from))
	return d
}

// own says whether the operator lets a host be this machine.
func (f *Fetcher) own(addr string) bool {
	addr = strings.ToLower(addr)
	host, _, err := net.SplitHostPort(addr)
	return err == nil && (slices.Contains(f.cfg.Loopback, host) || slices.Contains(f.cfg.Loopback, addr))
}

// stay keeps what follows, such as a redirect, from leading closer than the last connection did.
func (d *dialer) stay() { d.nearest.Store(d.reached.Load()) }

// proxied is for connections that a proxy makes: how near they lead is its operator's to say and not known here.
func (d *dialer) proxied() { d.reached.Store(int32(public)) }

func (d *dialer) zone() zone { return zone(d.reached.Load()) }
