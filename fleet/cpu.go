package fleet

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"apron/driver"
)

const (
	// fullCPU is what an instance may use at least until it is healthy: a whole vCPU, as on App Runner. What a small one needs
	// for a start would take it seconds otherwise.
	fullCPU = 1024

	// restingCPU is what an idle instance may use: a sixteenth of a vCPU, enough to answer a health check in time.
	restingCPU = 64

	// restAfter is how long an instance has no request before it is idle. It is longer than the proxy keeps idle connections, so
	// that the next request dials, and Dial gives the CPU back before anything is sent.
	restAfter = 6 * time.Second

	restLook = time.Second // between two looks at who is idle
)

// cpu is how much of the machine an instance may use. Dial asks it for every connection, so that what is usual, an instance
// that does not rest, costs two atomic loads.
type cpu struct {
	set  func(units int) error
	full int // the revision's

	resting atomic.Bool  // it has less, or will have in a moment
	used    atomic.Int64 // when the last connection was dialled, or the last request seen, in Unix nanoseconds

	mu    sync.Mutex // held over each change
	given uint64     // requests that it had been given at the last look
}

func (f *Fleet) newCPU(id string, units int) *cpu {
	c := &cpu{full: units}
	c.set = func(units int) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(f.ctx), callLimit)
		defer cancel()
		err := f.cfg.Driver.SetCPU(ctx, id, units)
		if err != nil && !errors.Is(err, driver.ErrNotFound) && f.ctx.Err() == nil {
			f.cfg.Log.Warn("change the CPU of an instance", slog.String("instance_id", id), slog.Int("units", units), slog.Any("error", err))
		}
		return err
	}
	c.used.Store(time.Now().UnixNano())
	return c
}

// dialled notes the use first and looks then, while rest says that it rests and looks for uses then: one of them sees the other.
func (c *cpu) dialled() {
	c.used.Store(time.Now().UnixNano())
	if c.resting.Load() {
		c.restore()
	}
}

// restore gives an instance all of its CPU.
func (c *cpu) restore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.set(c.full) == nil {
		c.resting.Store(false)
	}
}

// rest takes from an instance that has been idle for long enough what it does not need.
func (c *cpu) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.resting.Load() || c.full <= restingCPU {
		return
	}
	c.resting.Store(true)
	if c.idle() < restAfter || c.set(restingCPU) != nil {
		c.resting.Store(false)
	}
}

func (c *cpu) idle() time.Duration { return time.Since(time.Unix(0, c.used.Load())) }

// see notes how much the instance is used.
func (c *cpu) see(inFlight int, given uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if inFlight > 0 || given != c.given {
		c.given = given
		c.used.Store(time.Now().UnixNano())
	}
}

// throttle looks, until the fleet ends, for instances that are idle.
func (f *Fleet) throttle() {
	for sleep(f.ctx, restLook) == nil {
		for _, i := range f.restless() {
			i.cpu.see(f.cfg.Use(i.service.id, i.id))
			if i.cpu.idle() >= restAfter {
				i.cpu.rest()
			}
		}
	}
}

// restless are the healthy instances that may rest and do not.
func (f *Fleet) restless() (list []*instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.instances {
		if i.phase == healthy && !i.service.keepsCPU && !i.cpu.resting.Load() {
			list = append(list, i)
		}
	}
	return list
}

// KeepCPU says whether idle instances of the service keep their CPU; they do not unless they are told to. Those that rest get
// it back at once.
func (f *Fleet) KeepCPU(service string, keep bool) {
	f.mu.Lock()
	s := f.serviceLocked(service)
	s.keepsCPU = keep
	list := s.sortedLocked()
	f.mu.Unlock()
	for _, i := range list {
		if keep && i.cpu.resting.Load() {
			i.cpu.restore()
		}
	}
}

// lend gives a resting instance its CPU for a health check, which must not fail for want of it, until the func is called.
func (f *Fleet) lend(i *instance) (back func()) {
	if i.rev.Health.Protocol != HTTP || !i.cpu.resting.Load() {
		return func() {} // a TCP connection is the kernel's work
	}
	i.cpu.restore()
	return i.cpu.rest
}
