//go:build linux && cgo

package container

import (
	"os"
	"strconv"
	"sync"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runc/libcontainer/specconv"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"apron/driver"
)

// capabilities are what root in an instance may do: Docker's default set without NET_RAW (forged packets), MKNOD
// (the device rules allow none that matter), AUDIT_WRITE and SETFCAP, which serving HTTP never needs. See
// docs/decisions/0003-container-isolation.md.
var capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_NET_BIND_SERVICE",
	"CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
}

var maskedPaths = []string{
	"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
	"/sys/devices/virtual/powercap", "/sys/firmware",
}

var readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}

// openFiles is the limit of open files, where the host's own hard limit allows it.
const openFiles = 65536

// isolation is the libcontainer configuration of an instance: everything that keeps it apart from the host and the
// other instances.
func (d *Driver) isolation(spec driver.Spec, s slot) (*configs.Config, error) {
	profile, err := seccompProfile()
	if err != nil {
		return nil, err
	}
	config := &configs.Config{
		Rootfs:   rootPoint,
		Hostname: hostname(spec.ID),
		Namespaces: configs.Namespaces{
			{Type: configs.NEWNS}, {Type: configs.NEWPID}, {Type: configs.NEWIPC}, {Type: configs.NEWUTS},
			{Type: configs.NEWCGROUP}, {Type: configs.NEWNET, Path: pathOf(s.ns)},
		},
		Mounts:          mounts(),
		Devices:         specconv.AllowedDevices,
		MaskPaths:       maskedPaths,
		ReadonlyPaths:   readonlyPaths,
		NoNewPrivileges: true,
		Seccomp:         profile,
		Cgroups:         d.groupConfig(spec),
		Rlimits:         rlimits(),
		Sysctl: map[string]string{
			"net.ipv4.ip_unprivileged_port_start": "0", // any USER may listen on 80, as elsewhere in the field
			"net.ipv4.ping_group_range":           "0 2147483647",
		},
	}
	if s.users.exist() {
		config.Namespaces = append(config.Namespaces, configs.Namespace{Type: configs.NEWUSER, Path: pathOf(s.users.ns)})
		config.UIDMappings, config.GIDMappings = s.users.mapping(), s.users.mapping()
		config.Sysctl["net.ipv4.ping_group_range"] = "0 " + strconv.Itoa(idCount-1)
	}
	return config, nil
}

// pathOf names a file of this process to another.
func pathOf(f *os.File) string {
	return "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/" + strconv.Itoa(int(f.Fd()))
}

// hostname is short enough for every program that prints it in a prompt or a log line.
func hostname(id string) string { return id[:12] }

func mounts() []*configs.Mount {
	const plain = unix.MS_NOEXEC | unix.MS_NOSUID | unix.MS_NODEV
	return []*configs.Mount{
		{Source: "proc", Destination: "/proc", Device: "proc", Flags: plain},
		{Source: "tmpfs", Destination: "/dev", Device: "tmpfs", Flags: unix.MS_NOSUID | unix.MS_STRICTATIME, Data: "mode=755,size=65536k"},
		{Source: "devpts", Destination: "/dev/pts", Device: "devpts", Flags: unix.MS_NOSUID | unix.MS_NOEXEC, Data: "newinstance,ptmxmode=0666,mode=0620,gid=5"},
		{Source: "shm", Destination: "/dev/shm", Device: "tmpfs", Flags: plain, Data: "mode=1777,size=65536k"},
		{Source: "mqueue", Destination: "/dev/mqueue", Device: "mqueue", Flags: plain},
		{Source: "sysfs", Destination: "/sys", Device: "sysfs", Flags: plain | unix.MS_RDONLY},
		// JVMs, Go and Node read their limits there.
		{Source: "cgroup", Destination: "/sys/fs/cgroup", Device: "cgroup", Flags: plain | unix.MS_RDONLY},
	}
}

// rlimits never asks for more than the host's hard limit: raising that takes CAP_SYS_RESOURCE, which root lacks on
// some hosts.
func rlimits() []configs.Rlimit {
	limit := uint64(openFiles)
	var own unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &own); err == nil {
		limit = min(limit, own.Max)
	}
	return []configs.Rlimit{{Type: unix.RLIMIT_NOFILE, Hard: limit, Soft: limit}}
}

// seccompProfile is the field's default profile, for the capabilities above and for the machine's own system calls
// alone: the 32-bit ones are one more way into the kernel, and compiling their rules makes a start 20 ms longer.
var seccompProfile = sync.OnceValues(func() (*configs.Seccomp, error) {
	spec := &specs.Spec{
		Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: capabilities}},
	}
	profile, err := seccomp.GetDefaultProfile(spec)
	if err != nil {
		return nil, err
	}
	profile.Architectures = profile.Architectures[:min(1, len(profile.Architectures))] // the profile lists the native one first
	return specconv.SetupSeccomp(profile)
})
