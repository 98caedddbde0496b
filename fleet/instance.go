package fleet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"apron/driver"
)

// phase of an instance; it only moves down this list.
type phase int

const (
	adopted  phase = iota // found at start, of a revision that nobody has named yet
	starting              // being made, or not yet healthy
	healthy
	failed  // ended or unhealthy: unpublished for good
	leaving // being drained, stopped and destroyed
)

func (p phase) String() string {
	return [...]string{"adopted", "starting", "healthy", "failed", "leaving"}[p]
}

// instance is one container from its start until nothing is left of it.
type instance struct {
	id      string
	born    int
	service *service
	found   *driver.Instance // what Recover found; nil when this fleet starts it
	ctx     context.Context  // of its life: start, probes, wait
	cancel  context.CancelCauseFunc
	named   chan struct{} // closed when rev is the real one
	settled chan struct{} // closed when its life is over and no probe or start is under way

	cpu     *cpu
	suspect chan struct{} // holds one: the data plane has seen it fail

	logPath string // written by its life alone

	// Guarded by Fleet.mu. rev is written while the instance is adopted and not dead, and read without the lock after.
	rev       Revision
	phase     phase
	since     time.Time
	began, up time.Time // when its start began, and when its process was executed; zero when it was found
	served    bool      // was healthy once
	dead      bool      // failed, and has no process
	exposed   bool      // was published once, so that it may have requests in flight
	replaced  bool      // failed, and its successor is planned
	err       error     // why it failed
	removeErr error     // why it is still leaving
	attempt   int       // failures in a row that led to it
}

// errRemoved is the cause with which a life ends that nobody wants any more.
var errRemoved = errors.New("the instance is being removed")

func newID() string {
	var id [16]byte
	rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// newInstanceLocked makes the instance known; its life begins with spawnLocked(f.live).
func (f *Fleet) newInstanceLocked(s *service, id string, rev Revision, p phase) *instance {
	ctx, cancel := context.WithCancelCause(f.ctx)
	f.born++
	i := &instance{
		id: id, born: f.born, service: s, ctx: ctx, cancel: cancel,
		named: make(chan struct{}), settled: make(chan struct{}), suspect: make(chan struct{}, 1),
		cpu: f.newCPU(id, rev.CPU),
		rev: rev, phase: p, since: time.Now(),
	}
	if p != adopted {
		close(i.named)
	}
	f.instances[id], s.instances[id] = i, i
	return i
}

// startLocked makes and starts a new instance of rev.
func (f *Fleet) startLocked(s *service, rev Revision, attempt int) {
	if s.refusal != "" && rev.ID == s.serving {
		s.refusal = ""
		f.publishLocked(s)
	}
	i := f.newInstanceLocked(s, newID(), rev, starting)
	i.attempt = attempt
	f.spawnLocked(func() { f.live(i) })
	s.changedLocked()
}

// live is the life of an instance up to its failure or removal.
func (f *Fleet) live(i *instance) {
	defer close(i.settled)
	err := f.begin(i)
	if err == nil {
		err = f.watchLife(i)
	} else {
		f.markDead(i)
	}
	if i.ctx.Err() == nil {
		f.fail(i, err)
	}
}

// begin starts the instance unless it was found.
func (f *Fleet) begin(i *instance) error {
	if i.found != nil {
		i.logPath = i.found.Spec.LogPath
		return nil
	}
	select {
	case f.starts <- struct{}{}:
		defer func() { <-f.starts }()
	case <-i.ctx.Done():
		return context.Cause(i.ctx)
	}
	path, err := f.cfg.LogPath(i.rev.Service, i.id)
	if err != nil {
		return i.startFailed(err)
	}
	i.logPath = path
	ctx, cancel := context.WithTimeout(i.ctx, f.cfg.StartAllowance)
	defer cancel()
	began := time.Now()
	if err := f.cfg.Driver.Start(ctx, i.rev.spec(i.id, path, f.cfg.DiskMiB)); err != nil {
		return i.startFailed(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	i.began, i.up = began, time.Now()
	return nil
}

// watchLife probes until the instance fails. The end of the process ends ctx, and with it any probe at once.
func (f *Fleet) watchLife(i *instance) error {
	ctx, end := context.WithCancelCause(i.ctx)
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		if exit, err := f.waitExit(ctx, i.id); err == nil {
			end(&endedError{exit})
		}
	}()
	defer func() { end(nil); <-waited }()

	err := f.probeLife(ctx, i)
	if ended, ok := errors.AsType[*endedError](context.Cause(ctx)); ok {
		f.markDead(i)
		return i.endFailed(ended.exit)
	}
	return err
}

func (f *Fleet) probeLife(ctx context.Context, i *instance) error {
	select {
	case <-i.named:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if !f.isHealthy(i) {
		if err := f.turnHealthy(ctx, i); err != nil {
			return err
		}
		if i.found != nil || i.rev.CPU < fullCPU {
			i.cpu.restore()
		}
		f.setHealthy(i)
	} else if i.found != nil {
		i.cpu.restore()
	}
	return f.stayHealthy(ctx, i)
}

// waitExit asks again where the driver could not tell; a second of doubt is better than a wrong replacement.
func (f *Fleet) waitExit(ctx context.Context, id string) (driver.Exit, error) {
	for {
		exit, err := f.cfg.Driver.Wait(ctx, id)
		switch {
		case err == nil:
			return exit, nil
		case ctx.Err() != nil:
			return driver.Exit{}, err
		case errors.Is(err, driver.ErrNotFound):
			return driver.Exit{Code: -1, At: time.Now()}, nil
		}
		f.cfg.Log.Warn("wait for instance", "instance_id", id, "error", err)
		if err := sleep(ctx, time.Second); err != nil {
			return driver.Exit{}, err
		}
	}
}

const (
	firstProbe = time.Millisecond
	slowProbe  = 100 * time.Millisecond
)

// turnHealthy probes fast until the instance is healthy: a start must cost what the application takes, not an
// interval of 5 s.
func (f *Fleet) turnHealthy(ctx context.Context, i *instance) error {
	allowance := f.allowance(i)
	ctx, cancel := context.WithTimeoutCause(ctx, allowance, errAllowance)
	defer cancel()
	var last error
	for begin, streak := time.Now(), 0; ; {
		if sleep(ctx, probePause(time.Since(begin))) != nil {
			return i.probesFailed(allowance, last)
		}
		err := f.probe(ctx, i.id, i.rev)
		switch {
		case err == nil:
			streak++
		case ctx.Err() == nil:
			streak, last = 0, err
		}
		if streak >= i.rev.Health.HealthyThreshold {
			return nil
		}
	}
}

// probePause is how long to wait for the next probe of an instance that is so old: a tenth of what it has taken already,
// so that finding out late costs no more than that.
func probePause(age time.Duration) time.Duration {
	return min(max(age/10, firstProbe), slowProbe)
}

// allowance is what is left to turn healthy. An instance that was found unhealthy long after its start gets as
// long as a running one would, for it may only have hung for a moment.
func (f *Fleet) allowance(i *instance) time.Duration {
	if i.found == nil {
		return f.cfg.StartAllowance
	}
	running := time.Duration(i.rev.Health.UnhealthyThreshold) * i.rev.Health.Interval
	return max(running, f.cfg.StartAllowance-time.Since(i.found.StartedAt))
}

// stayHealthy probes at the configured interval and returns when the instance is unhealthy.
func (f *Fleet) stayHealthy(ctx context.Context, i *instance) error {
	pause := i.rev.Health.Interval
	for failures := 0; ; {
		suspected, err := i.untilProbe(ctx, pause)
		if err != nil {
			return err
		}
		back := f.lend(i)
		err = f.probe(ctx, i.id, i.rev)
		back()
		switch {
		case err == nil:
			failures, pause = 0, i.rev.Health.Interval
		case ctx.Err() == nil:
			failures++
		}
		if failures >= i.rev.Health.UnhealthyThreshold {
			return i.probesFailed(0, err)
		}
		if failures > 0 && suspected {
			pause = slowProbe
		}
	}
}

func (f *Fleet) isHealthy(i *instance) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return i.phase == healthy
}

func (f *Fleet) setHealthy(i *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i.phase < healthy {
		i.moveLocked(healthy)
		i.served = true
		i.cpu.used.Store(time.Now().UnixNano()) // what waits for it comes now
		i.service.wokenLocked(i)
		f.publishLocked(i.service)
		if !i.up.IsZero() {
			f.cfg.Log.Info("instance healthy", slog.String("service_id", i.service.id), slog.String("instance_id", i.id),
				slog.Duration("start", i.up.Sub(i.began)), slog.Duration("health", i.since.Sub(i.up)))
		}
	}
}

func (f *Fleet) markDead(i *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i.dead = true
}

// fail takes the instance out of service. Whoever wants the service to run, Deploy or keep, sees the change.
func (f *Fleet) fail(i *instance, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i.phase >= failed {
		return
	}
	if i.phase == healthy && time.Since(i.since) >= f.cfg.CrashReset {
		i.attempt = 0
	}
	i.err = err
	i.moveLocked(failed)
	i.service.noteFailureLocked(i)
	f.publishLocked(i.service)
	if _, ok := errors.AsType[*StartError](err); !ok {
		f.cfg.Log.Error("instance failed", slog.String("instance_id", i.id), slog.Any("error", err))
	}
}

func (i *instance) moveLocked(p phase) {
	i.phase, i.since = p, time.Now()
	i.service.changedLocked()
}
