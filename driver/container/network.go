//go:build linux && cgo

package container

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// subnetBits makes a subnet for 4093 instances.
const subnetBits = 20

// network is what all instances of this server share to reach the outside: a bridge whose ports cannot talk to one
// another, and address translation. It exists only while there are instances or prepared slots. Nothing of the data
// plane passes through it.
type network struct {
	key   string // eight hex digits of the namespace, part of every name below
	pool  netip.Prefix
	users func() bool // whether slots get a user namespace

	lock  chan struct{} // held while links are made or removed; a channel, because that is I/O
	ready bool          // the bridge and the table were made, or checked, by this process
	index int           // of the bridge
	net   netip.Prefix  // chosen subnet
	used  map[int]bool  // host parts of addresses in use; nil until the existing instances were counted
	next  int           // where the search for a free address goes on, so that one is not reused at once
}

func newNetwork(namespace string, pool netip.Prefix, users func() bool) *network {
	if !pool.IsValid() {
		pool = netip.MustParsePrefix("10.208.0.0/12")
	}
	return &network{
		key: key(namespace), pool: pool.Masked(), users: users,
		lock: make(chan struct{}, 1), used: map[int]bool{}, next: 2,
	}
}

func (n *network) bridge() string          { return bridgeName(n.key) }
func (n *network) table() string           { return "apron-" + n.key }
func (n *network) link(address int) string { return fmt.Sprintf("apv%s%04x", n.key, address) } // 15 characters, the most a link may have

func (n *network) acquire(ctx context.Context) error {
	select {
	case n.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (n *network) release() { <-n.lock }

// reserve takes a free address, making the bridge and the table first if they are not there.
func (n *network) reserve(ctx context.Context) (int, error) {
	if err := n.acquire(ctx); err != nil {
		return 0, err
	}
	defer n.release()
	if !n.ready {
		if err := n.ensureLocked(); err != nil {
			return 0, fmt.Errorf("set up the network for instances: %w", err)
		}
		n.ready = true
	}
	size := 1<<(32-subnetBits) - 2
	for range size {
		address := n.next
		if n.next++; n.next > size {
			n.next = 2 // 1 is the bridge
		}
		if !n.used[address] {
			n.used[address] = true
			return address, nil
		}
	}
	return 0, fmt.Errorf("all %d addresses of %s are in use by instances", size, n.net)
}

// doubt makes the next reserve look whether the bridge is still as it must be: somebody may have removed it.
func (n *network) doubt() {
	n.lock <- struct{}{}
	n.ready = false
	n.release()
}

// claim marks the address of an instance that exists already.
func (n *network) claim(address int) {
	n.lock <- struct{}{}
	n.used[address] = true
	n.release()
}

// free removes the link of the address, if it is there, and gives the address back.
func (n *network) free(address int) error {
	if address == 0 {
		return nil
	}
	if err := removeLink(n.link(address)); err != nil {
		return err // the address stays taken as long as its link does
	}
	n.lock <- struct{}{}
	delete(n.used, address)
	n.release()
	return nil
}

func removeLink(name string) error {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer h.Close()
	link, err := h.LinkByName(name)
	if err == nil {
		err = h.LinkDel(link)
	}
	if err != nil && !isNoLink(err) {
		return fmt.Errorf("remove link %s: %w", name, err)
	}
	return nil
}

// isNoLink also holds for a link that goes away while it is being removed, because its namespace has ended.
func isNoLink(err error) bool {
	_, missing := errors.AsType[netlink.LinkNotFoundError](err)
	return missing || errors.Is(err, unix.ENODEV)
}

// ensureLocked makes the bridge, its address, the nftables table and the host's settings as they must be, whatever
// part of it is there already.
func (n *network) ensureLocked() error {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer h.Close()
	bridge, err := n.ensureBridge(h)
	if err != nil {
		return err
	}
	n.index = bridge.Attrs().Index
	if err := n.ensureAddress(h, bridge); err != nil {
		return err
	}
	if err := h.LinkSetUp(bridge); err != nil {
		return fmt.Errorf("set bridge %s up: %w", n.bridge(), err)
	}
	if err := applyFilter(n.table(), n.bridge(), n.net); err != nil {
		return fmt.Errorf("apply nftables table %s: %w", n.table(), err)
	}
	return ensureForwarding()
}

func (n *network) ensureBridge(h *netlink.Handle) (netlink.Link, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = n.bridge()
	err := h.LinkAdd(&netlink.Bridge{LinkAttrs: attrs})
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("add bridge %s: %w", attrs.Name, err)
	}
	// Instances have IPv4 only; without this each new link would also announce itself by IPv6.
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+attrs.Name+"/disable_ipv6", []byte("1"), 0o644)
	return h.LinkByName(attrs.Name)
}

// ensureAddress keeps the address that the bridge has: running instances route by it. A new bridge gets a subnet
// that no other address and no route of the host touches.
func (n *network) ensureAddress(h *netlink.Handle, bridge netlink.Link) error {
	addrs, err := dump(func() ([]netlink.Addr, error) { return h.AddrList(bridge, netlink.FAMILY_V4) })
	if err != nil {
		return fmt.Errorf("list addresses of %s: %w", n.bridge(), err)
	}
	if len(addrs) > 0 {
		ip, _ := netip.AddrFromSlice(addrs[0].IP.To4())
		ones, _ := addrs[0].Mask.Size()
		n.net = netip.PrefixFrom(ip, ones).Masked()
		return nil
	}
	if n.net, err = n.chooseSubnet(h); err != nil {
		return err
	}
	if err := h.AddrAdd(bridge, &netlink.Addr{IPNet: ipNet(n.net, 1)}); err != nil {
		return fmt.Errorf("add address to %s: %w", n.bridge(), err)
	}
	return nil
}

// chooseSubnet starts at a place in the pool that the namespace decides, so that servers started at the same moment
// look at different subnets first.
func (n *network) chooseSubnet(h *netlink.Handle) (netip.Prefix, error) {
	taken, err := takenPrefixes(h)
	if err != nil {
		return netip.Prefix{}, err
	}
	count := 1 << max(subnetBits-n.pool.Bits(), 0)
	f := fnv.New32a()
	f.Write([]byte(n.key))
	first := int(f.Sum32() % uint32(count))
	for i := range count {
		candidate := nthSubnet(n.pool, (first+i)%count)
		if !overlapsAny(candidate, taken) {
			return candidate, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("every /%d of %s is in use on this host; give apron another pool of subnets", subnetBits, n.pool)
}

// takenPrefixes lists what the host's addresses and routes reach, the default route aside.
func takenPrefixes(h *netlink.Handle) ([]netip.Prefix, error) {
	routes, err := dump(func() ([]netlink.Route, error) {
		return h.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	})
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	var taken []netip.Prefix
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		ip, ok := netip.AddrFromSlice(r.Dst.IP.To4())
		if ones, _ := r.Dst.Mask.Size(); ok && ones > 0 {
			taken = append(taken, netip.PrefixFrom(ip, ones).Masked())
		}
	}
	return taken, nil
}

func overlapsAny(p netip.Prefix, others []netip.Prefix) bool {
	return slices.ContainsFunc(others, p.Overlaps)
}

func nthSubnet(pool netip.Prefix, i int) netip.Prefix {
	return netip.PrefixFrom(addrPlus(pool.Addr(), i<<(32-subnetBits)), max(subnetBits, pool.Bits()))
}

func addrPlus(base netip.Addr, n int) netip.Addr {
	b := base.As4()
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	v += uint32(n)
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// dump lists again what somebody on the host changed while it was listed.
func dump[T any](list func() ([]T, error)) (all []T, err error) {
	for range 20 {
		if all, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return all, err
}

func ipNet(p netip.Prefix, host int) *net.IPNet {
	return &net.IPNet{IP: addrPlus(p.Addr(), host).AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}
}

func ensureForwarding() error {
	const path = "/proc/sys/net/ipv4/ip_forward"
	if now, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(now)) == "1" {
		return nil
	}
	if err := os.WriteFile(path, []byte("1"), 0o644); err != nil {
		return fmt.Errorf("allow forwarding: %w", err)
	}
	return nil
}

// remove deletes the bridge, whatever hangs on it, and the table. The next reserve makes them again.
func (n *network) remove(ctx context.Context) error {
	if err := n.acquire(ctx); err != nil {
		return err
	}
	defer n.release()
	n.ready = false
	return errors.Join(removeLink(n.bridge()), removeFilter(n.table()))
}

// links lists this server's instance links, by address.
func (n *network) links() (map[int]string, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	defer h.Close()
	all, err := dump(h.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	found := map[int]string{}
	for _, l := range all {
		var address int
		name := l.Attrs().Name
		if hex, ok := strings.CutPrefix(name, "apv"+n.key); ok {
			if _, err := fmt.Sscanf(hex, "%x", &address); err == nil {
				found[address] = name
			}
		}
	}
	return found, nil
}

func (n *network) isUsed(address int) bool {
	n.lock <- struct{}{}
	defer n.release()
	return n.used[address]
}
