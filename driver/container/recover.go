//go:build linux && cgo

package container

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"apron/driver"
)

// Recover finds every instance that an earlier server has left, and removes what belongs to none; see driver.Driver.
func (d *Driver) Recover(ctx context.Context) ([]driver.Instance, error) {
	entries, err := os.ReadDir(d.dir(""))
	if err != nil {
		return nil, fmt.Errorf("list instances: %w", err)
	}
	var found []driver.Instance
	for _, e := range entries {
		if !isID(e.Name()) {
			d.cfg.Log.Warn("a directory among the instances is none of them", "name", e.Name())
			continue
		}
		inst, err := d.recover(e.Name())
		if err != nil {
			return nil, fmt.Errorf("recover instance %s: %w", e.Name(), err)
		}
		found = append(found, inst.inspect())
	}
	return found, d.removeStrays(ctx)
}

func (d *Driver) recover(id string) (*instance, error) {
	inst := newInstance(id)
	if !d.add(inst) {
		return d.find(id), nil // repeated
	}
	var rec record
	if _, err := readRecord(d.dir(id), specFile, &rec); err != nil {
		return nil, err
	}
	if rec.Address != 0 {
		d.net.claim(rec.Address)
	}
	rec.Spec.ID = id // also when the record was torn
	p, err := d.recoverProcess(rec.Spec)
	if err != nil {
		return nil, err
	}
	inst.set(rec, p)
	return inst, nil
}

// recoverProcess returns nil for an instance that is half made.
func (d *Driver) recoverProcess(spec driver.Spec) (*process, error) {
	id := spec.ID
	var s started
	if ok, err := readRecord(d.dir(id), startedFile, &s); !ok || err != nil {
		return nil, err
	}
	var exit driver.Exit
	if ok, err := readRecord(d.dir(id), exitFile, &exit); ok || err != nil {
		return endedProcess(s.At, exit), err
	}
	p, err := reopen(s)
	if err != nil {
		return nil, err
	}
	if p != nil {
		go d.watch(spec, p)
		return p, nil
	}
	exit = s.lastStatus()
	if g, err := d.group(id); err == nil {
		exit.OOM = oom(g, spec, exit)
	}
	return endedProcess(s.At, exit), writeRecord(d.dir(id), exitFile, exit)
}

// reopen opens the process if it is still the one that was started, and returns nil if it is not.
func reopen(s started) (*process, error) {
	boot, err := bootID()
	if err != nil || boot != s.BootID {
		return nil, err
	}
	netns, err := os.Open("/proc/" + strconv.Itoa(s.PID) + "/ns/net")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return nil, nil // gone, or ended
	}
	if err != nil {
		return nil, err // whoever cannot look must not call it ended
	}
	p, err := openProcess(s.PID, netns, nil)
	if err != nil {
		return nil, errors.Join(notGone(err), netns.Close())
	}
	// Read after the process was opened: from here on the pid cannot become another's unseen.
	if now, err := readStat(s.PID); err != nil || now.startTicks != s.StartTicks {
		return nil, errors.Join(p.pidfd.Close(), netns.Close())
	}
	p.startedAt, p.startTicks = s.At, s.StartTicks
	return p, nil
}

// lastStatus is how the process ended, if nobody has collected that yet.
func (s started) lastStatus() driver.Exit {
	exit := driver.Exit{Code: -1, At: time.Now().UTC()}
	boot, err := bootID()
	if err != nil || boot != s.BootID {
		return exit
	}
	if now, err := readStat(s.PID); err == nil && now.zombie && now.startTicks == s.StartTicks {
		return exited(exit, now.exit)
	}
	return exit
}

func notGone(err error) error {
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// removeStrays removes cgroups and links of ours that no instance's directory leads to. None should ever be there.
func (d *Driver) removeStrays(ctx context.Context) error {
	ids, err := d.groupIDs()
	if err != nil {
		return fmt.Errorf("look for stray cgroups: %w", err)
	}
	for id := range ids {
		if d.find(id) != nil {
			continue
		}
		d.cfg.Log.Warn("removing a cgroup that no instance knows", "instance_id", id)
		if err := d.erase(ctx, newInstance(id)); err != nil {
			return fmt.Errorf("remove stray instance %s: %w", id, err)
		}
	}
	return d.removeStrayLinks()
}

func (d *Driver) removeStrayLinks() error {
	links, err := d.net.links()
	if err != nil {
		return err
	}
	for address, name := range links {
		if d.net.isUsed(address) {
			continue
		}
		if err := removeLink(name); err != nil {
			return err
		}
	}
	return nil
}
