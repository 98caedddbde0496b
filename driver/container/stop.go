//go:build linux && cgo

package container

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"apron/driver"
)

// killTimeout is how long killed processes may take to be gone. Longer means that one hangs in the kernel.
const killTimeout = 10 * time.Second

// Stop asks the instance to end and kills what is left after grace; see driver.Driver.
func (d *Driver) Stop(ctx context.Context, id string, grace time.Duration) error {
	inst := d.find(id)
	if inst == nil {
		return nil
	}
	if err := inst.acquire(ctx); err != nil {
		return err
	}
	defer inst.release()
	if err := d.stop(ctx, inst, grace); err != nil {
		return fmt.Errorf("stop instance %s: %w", id, err)
	}
	return nil
}

func (d *Driver) stop(ctx context.Context, inst *instance, grace time.Duration) error {
	p := inst.current()
	if p == nil {
		return d.killAll(ctx, inst.id)
	}
	if p.hasEnded() {
		return nil
	}
	if sig := d.stopSignal(ctx, inst); grace > 0 && p.heeds(sig) {
		if err := p.signal(sig); err != nil {
			return err
		}
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-p.ended:
			return nil
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return d.kill(ctx, inst.id, p)
}

// stopSignal is the image's. An image that cannot be read any more gets SIGTERM.
func (d *Driver) stopSignal(ctx context.Context, inst *instance) unix.Signal {
	if img, err := d.cfg.Image(ctx, inst.recorded().Spec.Image); err == nil {
		if sig, err := stopSignal(img); err == nil {
			return sig
		}
	}
	return unix.SIGTERM
}

// heeds tells whether the signal can do anything. The kernel drops one that the first process of a pid namespace
// neither handles, blocks nor ignores; on any other process it would have been the end. Waiting for that process
// would use up the grace for nothing.
func (p *process) heeds(sig unix.Signal) bool {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/status")
	if err != nil {
		return true
	}
	var any uint64
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		if key == "SigBlk" || key == "SigIgn" || key == "SigCgt" {
			mask, _ := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			any |= mask
		}
	}
	return any&(1<<(uint(sig)-1)) != 0
}

// kill ends the first process, and with it all in its pid namespace, and waits until they are gone.
func (d *Driver) kill(ctx context.Context, id string, p *process) error {
	if err := p.signal(unix.SIGKILL); err != nil {
		return err
	}
	g, err := d.group(id)
	if err != nil {
		return err
	}
	thaw(g)
	ctx, cancel := context.WithTimeoutCause(ctx, killTimeout, errors.New("killed processes are still there"))
	defer cancel()
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// killAll ends whatever a Start that was cut off has left in the cgroups.
func (d *Driver) killAll(ctx context.Context, id string) error {
	g, err := d.group(id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, killTimeout, errors.New("killed processes are still there"))
	defer cancel()
	return g.kill(ctx)
}

// Destroy removes the instance and all that it held; see driver.Driver.
func (d *Driver) Destroy(ctx context.Context, id string) error {
	if !isID(id) {
		return nil
	}
	inst := d.find(id)
	if inst == nil {
		inst = newInstance(id) // what no record knows may still be there
		if _, err := os.Lstat(d.dir(id)); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		d.add(inst)
		if inst = d.find(id); inst == nil {
			return nil
		}
	}
	if err := inst.acquire(ctx); err != nil {
		return err
	}
	defer inst.release()
	if err := d.erase(ctx, inst); err != nil {
		return fmt.Errorf("destroy instance %s: %w: %w", id, driver.ErrLeftover, err)
	}
	return nil
}

// erase is Destroy with the instance held. Processes go first, then everything else at the same time: removing the
// link, the cgroups and the files each wait for something else in the kernel.
func (d *Driver) erase(ctx context.Context, inst *instance) error {
	if err := d.endAll(ctx, inst); err != nil {
		return err
	}
	g, err := d.group(inst.id)
	if err != nil {
		return err
	}
	if p := inst.current(); p != nil && p.netns != nil {
		_ = p.netns.Close() // closed already when Destroy is repeated
	}
	var link, groups, files error
	var wg sync.WaitGroup
	wg.Go(func() { link = d.net.free(inst.recorded().Address) })
	wg.Go(func() { groups = g.remove(ctx) })
	wg.Go(func() { files = d.removeFiles(inst.id) })
	wg.Wait()
	if err := errors.Join(link, groups, files); err != nil {
		return err
	}
	d.forget(inst.id)
	return nil
}

// endAll returns when no process of the instance is left and watch has let go of its directory.
func (d *Driver) endAll(ctx context.Context, inst *instance) error {
	p := inst.current()
	if p == nil {
		return d.killAll(ctx, inst.id)
	}
	if !p.hasEnded() {
		if err := d.kill(ctx, inst.id, p); err != nil {
			return err
		}
	}
	select {
	case <-p.closed:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if p.pidfd != nil {
		_ = p.pidfd.Close()
	}
	return nil
}

func (d *Driver) removeFiles(id string) error {
	return os.RemoveAll(d.dir(id))
}

// reapOrphans collects the status of our children in the instance's cgroups. A start that fails half way leaves them
// behind: libcontainer's helpers make each other children of this process, and only it can collect them.
func reapOrphans(id string) {
	groups, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		return
	}
	for _, file := range groups {
		if data, err := os.ReadFile(file); err != nil || !strings.Contains(string(data), id) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			_, _ = unix.Wait4(pid, nil, 0, nil) // at once: it was killed, or it is not ours (ECHILD)
		}
	}
}
