//go:build linux && cgo

package container

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// etcFiles are the files in /etc that every instance has of its own, whatever its image holds there.
var etcFiles = []string{"hostname", "hosts", "resolv.conf"}

// writeFiles gives the instance its own /etc/hostname, hosts and resolv.conf. Its own name resolves without a
// question to anybody, forwards and backwards: some servers look it up before they listen.
func (d *Driver) writeFiles(root rootDir, rec record) error {
	content := d.files(rec)
	for _, file := range etcFiles {
		if err := root.replace("etc", file, content[file]); err != nil {
			return fmt.Errorf("write the instance's /etc/%s: %w", file, err)
		}
	}
	return nil
}

// files are the instance's own in /etc.
func (d *Driver) files(rec record) map[string]string {
	name, address, resolvers := hostname(rec.Spec.ID), addrPlus(d.net.net.Addr(), rec.Address), resolvConf(d.cfg.DNS)
	if rec.Spec.NoEgress { // its loopback is all it has, and a lookup has nobody to wait for
		address, resolvers = netip.AddrFrom4([4]byte{127, 0, 0, 1}), ""
	}
	return map[string]string{
		"hostname": name + "\n",
		"hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" +
			fmt.Sprintf("%s\t%s\n0.0.0.0\t%s\n", address, name, name),
		"resolv.conf": resolvers,
	}
}

// resolvConf names the given resolvers, or the host's own. Short time-outs: where packets vanish, a program that
// looks up a name is held for seconds instead of half a minute. With no resolver at all a lookup fails at once.
func resolvConf(given []netip.Addr) string {
	if len(given) == 0 {
		given = hostResolvers()
	}
	var b strings.Builder
	for _, addr := range given {
		fmt.Fprintf(&b, "nameserver %s\n", addr)
	}
	b.WriteString("options timeout:1 attempts:2\n")
	return b.String()
}

// hostResolvers lists the host's resolvers that can be reached from another network namespace. Behind systemd's
// stub on the loopback are the ones that it asks.
func hostResolvers() []netip.Addr {
	for _, file := range []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"} {
		if found := readResolvers(file); len(found) > 0 {
			return found
		}
	}
	return nil
}

func readResolvers(file string) []netip.Addr {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var found []netip.Addr
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "nameserver" {
			continue
		}
		if addr, err := netip.ParseAddr(f[1]); err == nil && addr.Is4() && !addr.IsLoopback() {
			found = append(found, addr)
		}
	}
	return found
}
