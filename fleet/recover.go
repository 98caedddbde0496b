package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"apron/driver"
)

// Recover is called once, before any other method but Run, and takes over what the driver holds. Instances of a
// desired revision go on serving, also more of them than its Size, and what is missing of it is started in the background, unless
// it is of a Zero revision. Other instances of the
// services in busy, which have an operation under way, are left as they are until that operation calls Deploy or
// Retire. Everything else is a stray and destroyed, and so is what a start that was cut off left behind, and every build: whose
// operation goes on runs it again.
//
// It returns when the instances that answer are published and the strays are gone, or have been tried to remove; those that
// another process still has requests in flight on go in the background when these have ended.
// An error means that the driver could not be asked. Run must be running.
func (f *Fleet) Recover(ctx context.Context, desired []Revision, busy []string) error {
	found, err := f.cfg.Driver.Recover(ctx)
	if err != nil {
		return fmt.Errorf("recover instances: %w", err)
	}
	wanted, strays := f.adopt(found, desired, busy)
	var wg sync.WaitGroup
	for _, d := range strays {
		wg.Go(func() { f.removeStray(ctx, d) })
	}
	answers := make([]bool, len(wanted))
	for n, i := range wanted {
		wg.Go(func() {
			answers[n] = i.found.State == driver.Running && f.probe(ctx, i.id, i.rev) == nil
		})
	}
	wg.Wait()
	return f.takeOver(ctx, desired, wanted, answers)
}

// adopt makes the found instances known and returns those of desired revisions, and the strays.
func (f *Fleet) adopt(found []driver.Instance, desired []Revision, busy []string) (wanted []*instance, strays []driver.Instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rev := range desired {
		s := f.serviceLocked(rev.Service)
		s.serving = rev.ID
		s.revisions[rev.ID] = rev.withDefaults()
	}
	slices.SortFunc(found, func(a, b driver.Instance) int { return a.StartedAt.Compare(b.StartedAt) })
	for _, d := range found {
		rev, known := f.desiredLocked(d.Spec)
		switch {
		case d.State == driver.Partial, d.Spec.Build != nil:
			strays = append(strays, d)
		case known:
			wanted = append(wanted, f.adoptLocked(d, rev, starting))
		case slices.Contains(busy, d.Spec.Service):
			i := f.adoptLocked(d, revisionOf(d.Spec), adopted)
			f.spawnLocked(func() { f.live(i) })
		default:
			strays = append(strays, d)
		}
	}
	f.resizeLocked(desired, wanted)
	return wanted, strays
}

// resizeLocked goes on with as many instances as run, where that is more than the revision asks for: the service had been
// scaled out. One that may have none, and has none, had been scaled to zero, or ended with the machine: both wait for a request.
func (f *Fleet) resizeLocked(desired []Revision, wanted []*instance) {
	running := map[string]int{}
	for _, i := range wanted {
		if i.found.State == driver.Running {
			running[i.service.id]++
		}
	}
	for _, rev := range desired {
		s := f.services[rev.Service]
		rev = s.revisions[rev.ID]
		rev.Size = max(rev.Size, running[s.id])
		if rev.Zero && running[s.id] == 0 {
			rev.Size, s.asleep = 0, true
		}
		s.revisions[rev.ID] = rev
	}
}

func (f *Fleet) desiredLocked(spec driver.Spec) (Revision, bool) {
	s := f.services[spec.Service]
	if s == nil {
		return Revision{}, false
	}
	rev, ok := s.revisions[spec.Revision]
	return rev, ok
}

func (f *Fleet) adoptLocked(d driver.Instance, rev Revision, p phase) *instance {
	i := f.newInstanceLocked(f.serviceLocked(d.Spec.Service), d.Spec.ID, rev, p)
	i.found, i.since = &d, d.StartedAt
	i.cpu.resting.Store(true) // for all that is known
	i.exposed = true          // the process before this one may still have requests in flight on it
	return i
}

// takeOver publishes the instances that answered, in one go, and begins to keep the desired revisions.
func (f *Fleet) takeOver(ctx context.Context, desired []Revision, wanted []*instance, answers []bool) error {
	f.mu.Lock()
	for n, i := range wanted {
		if answers[n] {
			i.phase, i.served = healthy, true
		}
		f.spawnLocked(func() { f.live(i) })
	}
	var services []*service
	for _, rev := range desired {
		s := f.services[rev.Service]
		f.publishLocked(s)
		f.keepLocked(s)
		services = append(services, s)
	}
	f.mu.Unlock()
	for _, s := range services {
		if err := f.awaitPublished(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// strayWait is how long Recover waits for requests in flight on a stray; usually there are none.
const strayWait = 100 * time.Millisecond

// removeStray drains before it destroys: a server that has handed over to this one may have been about to do the same.
func (f *Fleet) removeStray(ctx context.Context, d driver.Instance) {
	id := d.Spec.ID
	if d.State != driver.Running || d.Spec.Build != nil {
		f.destroyStray(ctx, id)
		return
	}
	drained := make(chan struct{})
	f.mu.Lock()
	f.spawnLocked(func() { defer close(drained); f.drain(&instance{id: id}) })
	f.mu.Unlock()
	select {
	case <-drained:
		f.destroyStray(ctx, id)
	case <-time.After(strayWait):
		f.mu.Lock()
		defer f.mu.Unlock()
		f.spawnLocked(func() { <-drained; f.retryStray(id) })
	}
}

// destroyStray tries once while the server starts, and leaves the rest to the background.
func (f *Fleet) destroyStray(ctx context.Context, id string) {
	f.cfg.Log.Info("destroy stray instance", slog.String("instance_id", id))
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := f.cfg.Driver.Destroy(ctx, id); err != nil {
		f.cfg.Log.Error("destroy stray instance", slog.String("instance_id", id), slog.Any("error", err))
		f.mu.Lock()
		defer f.mu.Unlock()
		f.spawnLocked(func() { f.retryStray(id) })
	}
}

func (f *Fleet) retryStray(id string) {
	for try := 0; f.ctx.Err() == nil; try++ {
		ctx, cancel := context.WithTimeout(f.ctx, callLimit)
		err := f.cfg.Driver.Destroy(ctx, id)
		cancel()
		if err == nil {
			return
		}
		f.cfg.Log.Error("destroy stray instance", slog.String("instance_id", id), slog.Any("error", err))
		sleep(f.ctx, backoff(try))
	}
}
