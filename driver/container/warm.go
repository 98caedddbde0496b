//go:build linux && cgo

package container

import (
	"os"
	"path/filepath"
	"strconv"

	"github.com/opencontainers/cgroups"
)

// warmCgroups makes the kernel ready to move a process into a cgroup. The first such move after a pause waits for
// all CPUs to have passed a quiet point, some 20 ms, most of a start. Moving ourselves to where we are already waits
// the same time, and changes nothing, while Start does other things. (A cgroup mount with the option favordynmods
// never waits.)
func warmCgroups() {
	if own, err := ownGroup(); err == nil {
		_ = os.WriteFile(filepath.Join(own, cgroups.CgroupProcesses), []byte(strconv.Itoa(os.Getpid())), 0)
	}
}

func ownGroup() (string, error) {
	if !cgroups.IsCgroup2UnifiedMode() {
		return cgroups.GetOwnCgroupPath("freezer")
	}
	paths, err := cgroups.ParseCgroupFile("/proc/self/cgroup")
	return filepath.Join("/sys/fs/cgroup", paths[""]), err
}
