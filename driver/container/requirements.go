//go:build linux && cgo

package container

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer/seccomp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Requirements looks at everything that running instances takes on this host, with dir as Config.Dir. What can be
// tried is tried, in namespaces and directories that are gone again when it returns.
func Requirements(dir string) []Requirement {
	checks := []struct {
		name, remedy string
		mandatory    bool
		check        func() (string, error)
	}{
		{"root", "run apron as root; it makes namespaces, mounts and cgroups", true, checkRoot},
		{"namespaces", "use a kernel with mount, pid, ipc, uts, network and cgroup namespaces, and outside of a container that forbids them", true, checkNamespaces},
		{"root directory", "leave the chroot; or make its directory a mount point (mount --bind DIR DIR) and enter it again", true, checkRootDirectory},
		{"overlayfs", "put the data directory on ext4 or xfs (not on an overlay, NFS or a FUSE file system), or load the overlay module", true, func() (string, error) { return checkOverlay(dir) }},
		{"user namespaces", "use Linux 5.19 or later, keep the data directory on ext4, xfs or btrfs, set user.max_user_namespaces above 0 and let others execute the apron binary; instances run without one, and root inside them has root's id on the host", false, func() (string, error) { return checkUsers(dir) }},
		{"cgroups", "mount the cgroup controllers: on systemd machines they are there; elsewhere mount cgroup2 on /sys/fs/cgroup", true, checkCgroups},
		{"seccomp", "use a build of apron with the seccomp tag, and a kernel with CONFIG_SECCOMP_FILTER", true, checkSeccomp},
		{"egress", "load the modules bridge, veth and nf_tables (nft_masq, nft_ct, nft_reject), or use a kernel that has them", true, checkEgress},
		{"forwarding", "allow the apb* bridges in the firewall that drops forwarded packets (with Docker: in the DOCKER-USER chain), or instances will reach nothing outside", false, checkForwarding},
		{"resolver", "name a DNS server that is not on the host's loopback; instances cannot reach one that is", false, checkResolver},
		{"disk limit", "put the data directory on btrfs and run btrfs quota enable on it; as it is, what an instance writes can fill the disk", false, func() (string, error) { return checkDiskLimit(dir) }},
		{"fast cgroup moves", "mount -t cgroup2 -o remount,favordynmods none DIR, with the DIR of type cgroup2 in /proc/mounts, makes every start up to 20 ms shorter and every fork on this machine a little longer", false, checkFastMoves},
	}
	var all []Requirement
	for _, c := range checks {
		r := Requirement{Name: c.name, Mandatory: c.mandatory, OK: true}
		detail, err := c.check()
		if r.Detail = detail; err != nil {
			r.OK, r.Detail, r.Remedy = false, err.Error(), c.remedy
		}
		all = append(all, r)
	}
	return all
}

func checkRoot() (string, error) {
	if uid := os.Geteuid(); uid != 0 {
		return "", fmt.Errorf("apron runs as user %d, not as root", uid)
	}
	return "running as root", nil
}

// onOwnThread runs fn on a thread that ends afterwards, with whatever namespaces fn gave it.
func onOwnThread(fn func() error) error {
	done := make(chan error, 1)
	onThread(func() bool { done <- fn(); return false })
	return <-done
}

func checkNamespaces() (string, error) {
	flags := unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNET | unix.CLONE_NEWCGROUP
	if err := onOwnThread(func() error { return unix.Unshare(flags) }); err != nil {
		return "", fmt.Errorf("namespaces cannot be made: %w", err)
	}
	return "mount, pid, ipc, uts, network, cgroup", nil
}

// checkRootDirectory looks for a chroot into a plain directory: no container can leave it for a root of its own.
func checkRootDirectory() (string, error) {
	if err := onOwnThread(ownMounts); err != nil {
		return "", err
	}
	return "is a mount point", nil
}

// checkOverlay mounts one in dir, in a mount namespace of its own, and writes through it.
func checkOverlay(dir string) (string, error) {
	tmp, err := trialDir(dir)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	lower := filepath.Join(tmp, "lower")
	if err := os.Mkdir(lower, 0o755); err != nil {
		return "", err
	}
	err = onOwnThread(func() error {
		if err := ownMounts(); err != nil {
			return err
		}
		if err := mountRoot(tmp, "check", []string{lower}, users{}); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(rootPoint, "file"), nil, 0o600)
	})
	if err != nil {
		return "", fmt.Errorf("an overlay cannot be used in %s: %w", dir, err)
	}
	return "works in " + dir, nil
}

func checkUsers(dir string) (string, error) {
	if err := tryUsers(dir); err != nil {
		return "", fmt.Errorf("instances cannot have user namespaces: %w", err)
	}
	return fmt.Sprintf("ids of instances begin at %d", idBase(2)), nil
}

func checkCgroups() (string, error) {
	have, err := cgroups.GetAllSubsystems()
	if err != nil {
		return "", fmt.Errorf("cgroups cannot be read: %w", err)
	}
	version := "version 2"
	if !cgroups.IsCgroup2UnifiedMode() {
		version = "version 1"
		have = slices.DeleteFunc(have, func(name string) bool {
			_, err := cgroups.FindCgroupMountpoint("", name)
			return err != nil
		})
	}
	var missing []string
	for _, name := range []string{"memory", "cpu", "pids", "devices", "freezer"} {
		if !slices.Contains(have, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("cgroup %s lacks the controllers %s", version, strings.Join(missing, ", "))
	}
	return version, nil
}

func checkSeccomp() (string, error) {
	if !seccomp.Enabled {
		return "", fmt.Errorf("this build of apron has no seccomp")
	}
	if err := unix.Prctl(unix.PR_GET_SECCOMP, 0, 0, 0, 0); err != nil {
		return "", fmt.Errorf("the kernel has no seccomp: %w", err)
	}
	major, minor, patch := seccomp.Version()
	return fmt.Sprintf("libseccomp %d.%d.%d", major, minor, patch), nil
}

// checkEgress makes the whole network, bridge and rules and slot, inside a network namespace of its own.
func checkEgress() (string, error) {
	err := onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		n := newNetwork("check", netip.Prefix{}, func() bool { return false })
		if err := n.ensureLocked(); err != nil {
			return err
		}
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer h.Close()
		ns, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return err
		}
		defer ns.Close()
		return n.plug(h, 2, int(ns.Fd()))
	})
	if err != nil {
		return "", fmt.Errorf("instances' network cannot be made: %w", err)
	}
	return "bridge, veth and nftables work", nil
}

// checkForwarding looks for other people's chains that drop what is not named.
func checkForwarding() (string, error) {
	c, err := nftables.New()
	if err != nil {
		return "", err
	}
	chains, err := c.ListChains()
	if err != nil {
		return "", fmt.Errorf("nftables chains cannot be listed: %w", err)
	}
	for _, chain := range chains {
		if chain.Hooknum != nil && *chain.Hooknum == *nftables.ChainHookForward && chain.Policy != nil && *chain.Policy == nftables.ChainPolicyDrop {
			return "", fmt.Errorf("the chain %s of table %s drops forwarded packets", chain.Name, chain.Table.Name)
		}
	}
	return "no other firewall drops forwarded packets", nil
}

func checkResolver() (string, error) {
	found := hostResolvers()
	if len(found) == 0 {
		return "", fmt.Errorf("the host names no DNS server that instances could reach")
	}
	return fmt.Sprint(found), nil
}

func checkFastMoves() (string, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(data), "favordynmods") {
		return "", fmt.Errorf("moving a process into a cgroup waits for all CPUs, up to 20 ms at every start")
	}
	return "favordynmods is set", nil
}
