package aprontest

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"

	"apron/driver/container"
)

// Gateway is this machine's address as the platform's instances and builds see it: what listens on all addresses is reached there
// from them. It is an error while the platform has no instance.
func (p *Platform) Gateway() (netip.Addr, error) {
	link, err := net.InterfaceByName(container.BridgeName(container.Namespace(filepath.Join(p.Data, "driver"))))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the bridge of the instances: %w", err)
	}
	addrs, err := link.Addrs()
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range addrs {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Is4() {
			return prefix.Addr(), nil
		}
	}
	return netip.Addr{}, fmt.Errorf("the bridge %s has no IPv4 address", link.Name)
}
