//go:build linux && cgo

package container

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencontainers/cgroups"
	// Without it the manager cannot enforce which devices an instance may use.
	_ "github.com/opencontainers/cgroups/devices"
	"github.com/opencontainers/cgroups/manager"
	"github.com/opencontainers/runc/libcontainer/specconv"
	"golang.org/x/sys/unix"

	"apron/driver"
)

const (
	// pidsLimit is how many processes and threads an instance may have. App Runner names no figure; this one stops a
	// fork bomb and is far above what a thread pool takes.
	pidsLimit = 4096

	cpuPeriod = 100_000 // µs, the kernel's own default
)

// group is the cgroups of one instance, in every hierarchy of version 1 or in the one of version 2.
type group struct{ cgroups.Manager }

// keepCgroupsAtHome makes the cgroups module open its root directory, which it does once for all, where this thread is.
// In the mount namespace of a start the directory would be nothing as soon as that start is over.
func keepCgroupsAtHome() {
	_, _ = cgroups.ReadFile("/sys/fs/cgroup", cgroups.CgroupProcesses) // version 1 has no such file, which does not matter
}

func (d *Driver) groupPath(id string) string { return "/" + d.groupParent() + "/" + id }
func (d *Driver) groupParent() string        { return "apron-" + d.net.key }

func (d *Driver) group(id string) (group, error) {
	m, err := manager.New(d.groupConfig(driver.Spec{ID: id}))
	if err != nil {
		return group{}, fmt.Errorf("find cgroups of instance %s: %w", id, err)
	}
	return group{m}, nil
}

// groupConfig limits the instance, where 0 is no limit. Memory is a hard limit and includes swap, so that going over it
// is the end of the instance and never a slow one.
func (d *Driver) groupConfig(s driver.Spec) *cgroups.Cgroup {
	r := &cgroups.Resources{
		PidsLimit: new(int64(pidsLimit)),
		Memory:    int64(s.Memory) << 20,
		CpuPeriod: cpuPeriod,
	}
	if s.CPU > 0 {
		r.CpuQuota = int64(quota(cmp.Or(s.StartCPU, s.CPU)))
	}
	setWeight(r, s.CPU)
	if s.Memory > 0 && swapIsCounted() {
		r.MemorySwap = r.Memory
	}
	for _, device := range specconv.AllowedDevices {
		r.Devices = append(r.Devices, &device.Rule)
	}
	return &cgroups.Cgroup{Path: d.groupPath(s.ID), Resources: r}
}

func setWeight(r *cgroups.Resources, shares int) {
	r.CpuShares = uint64(shares)
	if cgroups.IsCgroup2UnifiedMode() { // whose manager leaves the translation to us
		r.CpuWeight = cgroups.ConvertCPUSharesToCgroupV2Value(r.CpuShares)
	}
}

// yield gives a build, which has been started with the weight of a service, its own. Starting is our work and not its
// commands': beside busy services it would take ten times as long.
func (d *Driver) yield(s driver.Spec) error {
	if s.Build == nil {
		return nil
	}
	g, err := d.group(s.ID)
	if err != nil {
		return err
	}
	r := &cgroups.Resources{SkipDevices: true}
	setWeight(r, buildWeight)
	if err := g.Set(r); err != nil {
		return fmt.Errorf("set the weight of the build: %w", err)
	}
	return nil
}

// swapIsCounted tells whether a limit on memory and swap together can be set: on version 1 that is an option of the
// kernel. Version 2's manager copes by itself.
func swapIsCounted() bool {
	if cgroups.IsCgroup2UnifiedMode() {
		return true
	}
	_, err := os.Stat("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
	return err == nil
}

// outOfMemory tells whether the kernel killed a process of the group for want of memory.
func (g group) outOfMemory() bool {
	count, err := g.OOMKillCount()
	return err == nil && count > 0
}

// pids lists the processes in any of the hierarchies: a Start that was cut off has joined only some of them.
func (g group) pids() ([]int, error) {
	seen := map[int]bool{}
	var all []int
	for _, path := range g.GetPaths() {
		found, err := cgroups.GetAllPids(path)
		if err != nil && !isGone(err) {
			return nil, err
		}
		for _, pid := range found {
			if !seen[pid] {
				seen[pid] = true
				all = append(all, pid)
			}
		}
	}
	return all, nil
}

// kill ends every process in the group and returns when none is left or ctx is done. The pauses between looks are
// only met by processes that are not in the pid namespace of an instance, which is to say by half-made ones.
func (g group) kill(ctx context.Context) error {
	for pause := 250 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		pids, err := g.pids()
		if err != nil {
			return fmt.Errorf("list processes: %w", err)
		}
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("kill process %d: %w", pid, err)
			}
		}
		thaw(g)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("wait for %d processes to end: %w", len(pids), context.Cause(ctx))
		}
	}
}

// remove deletes the groups, with any that the instance made below them. It retries while a process that has ended
// is still being counted.
func (g group) remove(ctx context.Context) error {
	for _, path := range g.GetPaths() {
		if err := removeGroup(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

func removeGroup(ctx context.Context, path string) error {
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		err := unix.Rmdir(path)
		if err == nil || isGone(err) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) {
			return &os.PathError{Op: "remove cgroup", Path: path, Err: err}
		}
		if err := removeBelow(ctx, path); err != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("remove cgroup %s: %w", path, context.Cause(ctx))
		}
	}
}

func removeBelow(ctx context.Context, path string) error {
	entries, err := os.ReadDir(path)
	if err != nil && !isGone(err) {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeGroup(ctx, filepath.Join(path, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) }

// groupIDs lists the instances that have a cgroup in this server's part of any hierarchy.
func (d *Driver) groupIDs() (map[string]bool, error) {
	g, err := d.group("none")
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, path := range g.GetPaths() {
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil && !isGone(err) {
			return nil, err
		}
		for _, e := range entries {
			if e.IsDir() && isID(e.Name()) {
				found[e.Name()] = true
			}
		}
	}
	return found, nil
}

// removeGroupParent deletes the directories that hold the instances' groups, when no instance is left.
func (d *Driver) removeGroupParent(ctx context.Context) error {
	g, err := d.group("none")
	if err != nil {
		return err
	}
	for _, path := range g.GetPaths() {
		if err := removeGroup(ctx, filepath.Dir(path)); err != nil {
			return err
		}
	}
	return nil
}

func isID(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}

// oom tells from the cgroup and the way it ended whether the instance ended for going over its memory. A worker that
// was killed while the first process lived on is not that: then the first process ended in its own way. In a build the
// first process is a shell, and what stands between it and the compiler that was killed ends with codes of its own.
func oom(g group, s driver.Spec, e driver.Exit) bool {
	killed := e.Code == -1 || e.Code == 128+int(unix.SIGKILL)
	return (killed || s.Build != nil && e.Code != 0) && g.outOfMemory()
}

// thaw lets the processes of a frozen group run, without which version 1 does not deliver SIGKILL.
func thaw(g group) {
	if s, err := g.GetFreezerState(); err == nil && s == cgroups.Frozen {
		_ = g.Freeze(cgroups.Thawed)
	}
}
