//go:build linux && cgo

package container

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// outside makes a network namespace that is linked to the host, as the next router would be, with a server in it
// that answers with its client's address.
func outside(t *testing.T, hostAddr, farAddr string) (addr string) {
	t.Helper()
	result := make(chan error, 1)
	onThread(func() bool {
		result <- func() error {
			host, err := netlink.NewHandle(unix.NETLINK_ROUTE)
			if err != nil {
				return err
			}
			defer host.Close()
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return err
			}
			far, err := netlink.NewHandle(unix.NETLINK_ROUTE)
			if err != nil {
				return err
			}
			defer far.Close()
			attrs := netlink.NewLinkAttrs()
			attrs.Name = "aprontest0"
			if err := far.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "aprontest1"}); err != nil {
				return err
			}
			peer, err := far.LinkByName("aprontest1")
			if err != nil {
				return err
			}
			home, err := hostNamespace()
			if err != nil {
				return err
			}
			if err := far.LinkSetNsFd(peer, int(home.Fd())); err != nil {
				return err
			}
			if err := setUp(far, "aprontest0", farAddr); err != nil {
				return err
			}
			if err := setUp(host, "aprontest1", hostAddr); err != nil {
				return err
			}
			l, err := net.Listen("tcp", strings.TrimSuffix(farAddr, "/30")+":0")
			if err != nil {
				return err
			}
			addr = l.Addr().String()
			t.Cleanup(func() { l.Close() })
			go echoClients(l)
			return nil
		}()
		return false
	})
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = removeLink("aprontest1") })
	return addr
}

func setUp(h *netlink.Handle, name, cidr string) error {
	link, err := h.LinkByName(name)
	if err != nil {
		return err
	}
	p := netip.MustParsePrefix(cidr)
	ip := &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}
	if err := h.AddrAdd(link, &netlink.Addr{IPNet: ip}); err != nil {
		return err
	}
	return h.LinkSetUp(link)
}

func echoClients(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
		fmt.Fprintf(conn, "HTTP/1.0 200 OK\r\n\r\n%s", host)
		conn.Close()
	}
}

func TestEgress_GoesOutThroughTheHostsAddress(t *testing.T) {
	h := newHost(t)
	addr := outside(t, "198.51.100.1/30", "198.51.100.2/30")
	id := h.start(h.spec())
	if got := h.mustAsk(id, "/get", "url", "http://"+addr+"/"); got != "198.51.100.1" {
		t.Errorf("the outside sees %s, want the host's address", got)
	}
}

func TestEgress_IsNotThereForInstancesWithoutIt(t *testing.T) {
	h := newHost(t)
	addr := outside(t, "198.51.100.1/30", "198.51.100.2/30")
	h.start(h.spec()) // a neighbour, so that there is a bridge
	spec := h.spec()
	spec.NoEgress = true
	id := h.start(spec)
	bridge := addrPlus(h.Driver.net.net.Addr(), 1)
	for what, to := range map[string]string{"the outside": addr, "the host": bridge.String() + ":80"} {
		if status, got := h.ask(id, "/dial", "network", "tcp", "addr", to); status != 502 || !strings.Contains(got, "network is unreachable") {
			t.Errorf("connecting to %s = %d %q, want it unreachable", what, status, got)
		}
	}
	if status, got := h.ask(id, "/dial", "network", "tcp", "addr", "name.example:80"); status != 502 || strings.Contains(got, "timeout") {
		t.Errorf("looking a name up = %d %q, want it refused at once", status, got)
	}
	links, err := h.Driver.net.links()
	if _, has := links[h.Driver.find(id).recorded().Address]; err != nil || has {
		t.Errorf("links %v, %v; want none of the instance", links, err)
	}
	if err := h.Destroy(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	h.mustBeGone(id)
}
