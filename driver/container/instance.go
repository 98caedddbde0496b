//go:build linux && cgo

package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"

	"apron/driver"
)

// instance is what the driver holds of one ID, from before it is made until after it is gone.
type instance struct {
	id   string
	busy chan struct{} // one slot: Start, Stop and Destroy of an instance never overlap

	mu      sync.Mutex
	record  record
	process *process // nil while half made
}

func newInstance(id string) *instance {
	return &instance{id: id, busy: make(chan struct{}, 1)}
}

func (i *instance) acquire(ctx context.Context) error {
	select {
	case i.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (i *instance) release() { <-i.busy }

func (i *instance) current() *process {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.process
}

func (i *instance) recorded() record {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.record
}

func (i *instance) set(r record, p *process) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.record, i.process = r, p
}

// process is the first process of an instance, running or ended.
type process struct {
	pid        int
	startTicks uint64
	startedAt  time.Time
	pidfd      *os.File // in the runtime's poller: waiting takes no thread
	netns      *os.File
	child      *libcontainer.Process // nil when another process of ours started it, so that its status is not ours to collect

	ended  chan struct{} // closed when no process of the instance is left and exit is set
	exit   driver.Exit
	closed chan struct{} // closed when watch is over, so the instance's directory is nobody's any more
}

func endedProcess(at time.Time, exit driver.Exit) *process {
	p := &process{startedAt: at, exit: exit, ended: make(chan struct{}), closed: make(chan struct{})}
	close(p.ended)
	close(p.closed)
	return p
}

// openProcess opens the process and its network namespace. The pid is safe to use: the caller is its parent and has
// not collected its status, or compares its start time afterwards.
func openProcess(pid int, netns *os.File, child *libcontainer.Process) (*process, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("open process %d: %w", pid, err)
	}
	return &process{
		pid: pid, pidfd: os.NewFile(uintptr(fd), "pidfd"), netns: netns, child: child,
		ended: make(chan struct{}), closed: make(chan struct{}),
	}, nil
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// signal sends sig to the first process. One that is gone already is no error.
func (p *process) signal(sig unix.Signal) error {
	raw, err := p.pidfd.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.PidfdSendSignal(int(fd), sig, nil, 0) }); err != nil {
		return err
	}
	if failed != nil && !errors.Is(failed, unix.ESRCH) {
		return fmt.Errorf("send signal %d: %w", sig, failed)
	}
	return nil
}

// Inspect reads the state of the instance; see driver.Driver.
func (d *Driver) Inspect(_ context.Context, id string) (driver.Instance, error) {
	inst := d.find(id)
	if inst == nil {
		return driver.Instance{}, driver.ErrNotFound
	}
	out := inst.inspect()
	if out.State == driver.Running {
		out.Usage = d.usage(id)
	}
	return out, nil
}

func (i *instance) inspect() driver.Instance {
	p := i.current()
	out := driver.Instance{Spec: i.recorded().Spec}
	out.Spec.ID = i.id // also when the record was torn
	switch {
	case p == nil:
		out.State = driver.Partial
	case p.hasEnded():
		out.State, out.StartedAt, out.Exit = driver.Ended, p.startedAt, p.exit
	default:
		out.State, out.StartedAt = driver.Running, p.startedAt
	}
	return out
}

// Wait blocks until the instance has ended; see driver.Driver. A half-made instance has ended, with code -1.
func (d *Driver) Wait(ctx context.Context, id string) (driver.Exit, error) {
	inst := d.find(id)
	if inst == nil {
		return driver.Exit{}, driver.ErrNotFound
	}
	p := inst.current()
	if p == nil {
		return driver.Exit{Code: -1}, nil
	}
	select {
	case <-p.ended:
		return p.exit, nil
	case <-ctx.Done():
		return driver.Exit{}, context.Cause(ctx)
	}
}
