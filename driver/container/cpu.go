//go:build linux && cgo

package container

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opencontainers/cgroups"

	"apron/driver"
)

// SetCPU changes the quota of the instance's cgroup; see driver.Driver. It writes one file and does without the cgroups
// module's manager, which writes all and takes ten times as long: a request waits for it. The kernel lets those run on at once
// that had used the quota of before up. The weight stays that of the instance's own CPU.
func (d *Driver) SetCPU(_ context.Context, id string, units int) error {
	if units <= 0 {
		return fmt.Errorf("an instance needs CPU, not %d units", units)
	}
	inst := d.find(id)
	if inst == nil {
		return driver.ErrNotFound
	}
	dir, err := d.cpuDir(id)
	if err != nil {
		return err
	}
	file, value := "cpu.cfs_quota_us", strconv.Itoa(quota(units))
	if cgroups.IsCgroup2UnifiedMode() {
		file, value = "cpu.max", fmt.Sprintf("%d %d", quota(units), cpuPeriod)
	}
	err = cgroups.WriteFile(dir, file, value)
	if isGone(err) {
		return d.goneIs(inst)
	}
	return err
}

// goneIs is what the absence of the cgroup means: an instance that has ended may have none, and Destroy takes it away.
func (d *Driver) goneIs(inst *instance) error {
	if p := inst.current(); p != nil && p.hasEnded() {
		return nil
	}
	return driver.ErrNotFound
}

// leastQuota is what the kernel lets a group have at least, in µs of each period.
const leastQuota = 1000

func quota(units int) int { return max(units*cpuPeriod/1024, leastQuota) }

// cpuLimit is what SetCPU, or the start, has set, in units; 0 when there is nothing to be read any more.
func (d *Driver) cpuLimit(id string) int {
	dir, err := d.cpuDir(id)
	if err != nil {
		return 0
	}
	file := "cpu.cfs_quota_us"
	if cgroups.IsCgroup2UnifiedMode() {
		file = "cpu.max"
	}
	text, err := cgroups.ReadFile(dir, file)
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	n, err := strconv.Atoi(first)
	if err != nil || n < 0 {
		return 0
	}
	return (n*1024 + cpuPeriod/2) / cpuPeriod
}

// cpuDir is the instance's group in the hierarchy that limits CPU.
func (d *Driver) cpuDir(id string) (string, error) {
	parent, err := d.cpuParent()
	return filepath.Join(parent, id), err
}

// findCPUParent is asked once: finding it reads what is mounted.
func (d *Driver) findCPUParent() (string, error) {
	g, err := d.group("none")
	if err != nil {
		return "", err
	}
	return filepath.Dir(g.Path("cpu")), nil // version 2 has one path for all
}
