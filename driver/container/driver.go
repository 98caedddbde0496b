//go:build linux && cgo

package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"apron/driver"
)

var _ driver.Driver = (*Driver)(nil)

// Driver runs instances on this machine. Its methods are those of driver.Driver, and may be called from many
// goroutines.
type Driver struct {
	cfg Config
	net *network

	spare  chan slot     // at most one network namespace made ahead
	refill chan struct{} // wakes Run to make it

	cpuParent func() (string, error) // of the directories where CPU is limited

	mu        sync.Mutex
	instances map[string]*instance
}

// New makes a Driver. It starts nothing and changes nothing but Dir, which it creates.
func New(cfg Config) (*Driver, error) {
	if cfg.Dir == "" || cfg.Log == nil || cfg.Image == nil || cfg.Namespace == "" {
		return nil, errors.New("container driver: Dir, Log, Image and Namespace must be set")
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("container driver: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "instances"), 0o700); err != nil {
		return nil, fmt.Errorf("container driver: %w", err)
	}
	if cfg.Dir, err = filepath.EvalSymlinks(dir); err != nil { // libcontainer refuses a root below a symbolic link
		return nil, fmt.Errorf("container driver: %w", err)
	}
	if _, err := hostNamespace(); err != nil { // while no thread of ours is anywhere else
		return nil, fmt.Errorf("container driver: %w", err)
	}
	keepCgroupsAtHome()
	d := &Driver{
		cfg: cfg, net: newNetwork(cfg.Namespace, cfg.Subnets, sync.OnceValue(cfg.users)),
		spare: make(chan slot, 1), refill: make(chan struct{}, 1),
		instances: map[string]*instance{},
	}
	d.cpuParent = sync.OnceValues(d.findCPUParent)
	return d, nil
}

// refillDelay keeps the making of the next network namespace away from the start that used the last one.
const refillDelay = 200 * time.Millisecond

// Run keeps one network namespace ready for the next Start until ctx is done. The driver works without it; a Start
// then takes some milliseconds longer. Nothing that stays is made before the first instance.
func (d *Driver) Run(ctx context.Context) error {
	d.net.users() // so that the first Start need not find out
	for {
		select {
		case <-ctx.Done():
			return d.discardSpare()
		case <-d.refill:
		}
		select {
		case <-ctx.Done():
			return d.discardSpare()
		case <-time.After(refillDelay):
		}
		if len(d.spare) > 0 {
			continue
		}
		s, err := d.net.newSlot(ctx, true)
		if err != nil {
			if ctx.Err() == nil {
				d.cfg.Log.Warn("no network namespace could be made ahead", "error", err)
			}
			continue
		}
		d.spare <- s
	}
}

func (d *Driver) discardSpare() error {
	select {
	case s := <-d.spare:
		return d.net.discard(s)
	default:
		return nil
	}
}

// slot takes the namespace that was made ahead, or makes one. Only those with a way out are made ahead.
func (d *Driver) slot(ctx context.Context, egress bool) (slot, error) {
	if !egress {
		return d.net.newSlot(ctx, false)
	}
	defer func() {
		select {
		case d.refill <- struct{}{}:
		default:
		}
	}()
	select {
	case s := <-d.spare:
		return s, nil
	default:
		return d.net.newSlot(ctx, true)
	}
}

// RemoveNetwork removes what instances share: bridge, nftables table, prepared namespace, cgroup parents. It is an
// error while there are instances. The next Start makes everything again.
func (d *Driver) RemoveNetwork(ctx context.Context) error {
	d.mu.Lock()
	n := len(d.instances)
	d.mu.Unlock()
	if n > 0 {
		return fmt.Errorf("remove the instances' network: %d instances are left; stop them first", n)
	}
	return errors.Join(d.discardSpare(), d.net.remove(ctx), d.removeGroupParent(ctx))
}

// Close lets go of the instances and leaves them running. After it Dial returns ErrNotFound, and no other method may be called.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, inst := range d.instances {
		if r := inst.current(); r != nil {
			leaveChild(r)
			_ = r.pidfd.Close()
			_ = r.netns.Close()
		}
	}
	clear(d.instances)
	return nil
}

// users tells whether instances can have user namespaces here, and logs the reason if they can't.
func (cfg Config) users() bool {
	err := tryUsers(cfg.Dir)
	if err != nil {
		cfg.Log.Info("instances run without user namespaces: root inside has root's id on the host", "error", err)
	}
	return err == nil
}

func (d *Driver) dir(id string) string { return filepath.Join(d.cfg.Dir, "instances", id) }

// find returns the instance, or nil.
func (d *Driver) find(id string) *instance {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.instances[id]
}

// add makes the id known and tells whether it was not known before.
func (d *Driver) add(inst *instance) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.instances[inst.id] != nil {
		return false
	}
	d.instances[inst.id] = inst
	return true
}

func (d *Driver) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.instances, id)
}
