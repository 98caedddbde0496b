//go:build linux && cgo

package container

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// slot is a network namespace that is ready for an instance: loopback up, and a link to the bridge unless it is to have
// no way out; and the user namespace that it belongs to. The address is the instance's own even without a link, because
// the ids of its users follow from it. Until an instance runs in them only our descriptors hold them, so if this process dies
// they are gone with the link.
type slot struct {
	address int
	ns      *os.File
	users   users
}

func (s slot) close() error { return errors.Join(s.ns.Close(), s.users.close()) }

// newSlot makes a slot, with a link to the bridge if it has egress. It takes a few milliseconds, so Run keeps one ready.
func (n *network) newSlot(ctx context.Context, egress bool) (slot, error) {
	address, err := n.reserve(ctx)
	if err != nil {
		return slot{}, err
	}
	s, err := n.buildSlot(address, egress)
	if err != nil {
		n.doubt()
		return slot{}, errors.Join(fmt.Errorf("make network namespace: %w", err), n.free(address))
	}
	return s, nil
}

// discard removes a slot that no instance took.
func (n *network) discard(s slot) error {
	return errors.Join(s.close(), n.free(s.address))
}

func (n *network) buildSlot(address int, egress bool) (slot, error) {
	home, err := hostNamespace()
	if err != nil {
		return slot{}, err
	}
	withUsers := n.users() // asked for here: the trial takes threads of its own
	type result struct {
		s   slot
		err error
	}
	done := make(chan result, 1)
	onThread(func() bool {
		s, err := n.buildAway(address, withUsers, egress)
		done <- result{s, err}
		return enter(home) == nil
	})
	r := <-done
	return r.s, r.err
}

// buildAway leaves the calling thread in the new namespace.
func (n *network) buildAway(address int, withUsers, egress bool) (s slot, err error) {
	host, err := netlink.NewHandle(unix.NETLINK_ROUTE) // before the move: it stays in the host's namespace
	if err != nil {
		return slot{}, err
	}
	defer host.Close()
	if s, err = enterNew(address, withUsers); err != nil {
		return slot{}, err
	}
	defer func() {
		if err != nil {
			_ = s.close()
		}
	}()
	inside, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return slot{}, err
	}
	defer inside.Close()
	if err := loopbackUp(inside); err != nil || !egress {
		return s, err
	}
	if err := n.plug(host, address, int(s.ns.Fd())); err != nil {
		return slot{}, err
	}
	return s, n.configure(inside, address)
}

// enterNew moves the calling thread into a new network namespace. With users that belongs to a new user namespace,
// where the thread does not go: root of the host may do all it must from outside.
func enterNew(address int, withUsers bool) (s slot, err error) {
	s.address = address
	if withUsers {
		if s.users, s.ns, err = newNamespaces(idBase(address)); err != nil {
			return slot{}, err
		}
		if err := enter(s.ns); err != nil {
			return slot{}, errors.Join(err, s.close())
		}
		return s, nil
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return slot{}, fmt.Errorf("unshare: %w", err)
	}
	s.ns, err = os.Open("/proc/thread-self/ns/net")
	return s, err
}

// plug adds the pair of links, one end on the bridge and cut off from its other ports, one end in the namespace.
func (n *network) plug(host *netlink.Handle, address, nsFD int) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.Flags = n.link(address), unix.IFF_UP
	attrs.MasterIndex = n.index
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsFd(nsFD)}
	if err := host.LinkAdd(veth); err != nil {
		return fmt.Errorf("add link %s: %w", attrs.Name, err)
	}
	if err := host.LinkSetIsolated(veth, true); err != nil {
		return fmt.Errorf("isolate link %s: %w", attrs.Name, err)
	}
	return nil
}

func loopbackUp(inside *netlink.Handle) error {
	lo := netlink.NewLinkAttrs()
	lo.Name, lo.Index = "lo", 1 // always the first link of a namespace
	if err := inside.LinkSetUp(&netlink.GenericLink{LinkAttrs: lo}); err != nil {
		return fmt.Errorf("set loopback up: %w", err)
	}
	return nil
}

func (n *network) configure(inside *netlink.Handle, address int) error {
	// The instance has no IPv6 way out; without an address it does not wait for one to be confirmed either.
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", []byte("1"), 0o644)
	eth, err := inside.LinkByName("eth0")
	if err != nil {
		return fmt.Errorf("find eth0: %w", err)
	}
	if err := inside.AddrAdd(eth, &netlink.Addr{IPNet: ipNet(n.net, address)}); err != nil {
		return fmt.Errorf("add address: %w", err)
	}
	if err := inside.LinkSetUp(eth); err != nil {
		return fmt.Errorf("set eth0 up: %w", err)
	}
	route := &netlink.Route{LinkIndex: eth.Attrs().Index, Gw: addrPlus(n.net.Addr(), 1).AsSlice()}
	if err := inside.RouteAdd(route); err != nil {
		return fmt.Errorf("add default route: %w", err)
	}
	return nil
}
