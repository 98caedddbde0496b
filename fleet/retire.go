package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Retire drains, stops and destroys every instance of the service that is not of keepRevision, all at once, and
// returns when nothing is left of them. "" keeps none and serves nothing: that is pause. It may be repeated, and
// goes on in the background when ctx is done or it gives up, after the drain limit, the grace and two minutes.
func (f *Fleet) Retire(ctx context.Context, service, keepRevision string) error {
	f.mu.Lock()
	s := f.services[service]
	if s == nil {
		f.mu.Unlock()
		return nil
	}
	if s.deploying != "" && s.deploying != keepRevision {
		defer f.mu.Unlock()
		return fmt.Errorf("retire: service %s is deploying %s; cancel that first", s.id, s.deploying)
	}
	if s.serving != keepRevision {
		s.serving, s.vacancies = "", nil
		s.asleep, s.refusal = false, ""
		f.publishLocked(s)
	}
	f.mu.Unlock()
	if err := f.awaitPublished(ctx, s); err != nil {
		return err
	}
	err := f.removeAll(ctx, s, func(i *instance) bool { return i.rev.ID != keepRevision })
	if err != nil {
		return fmt.Errorf("retire instances of service %s: %w", service, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range s.revisions {
		if id != keepRevision {
			delete(s.revisions, id)
		}
	}
	return nil
}

// Stop is Retire of everything, and forgets the service. It returns when nothing of it is left.
func (f *Fleet) Stop(ctx context.Context, service string) error {
	if err := f.Retire(ctx, service, ""); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.services[service]; s != nil {
		delete(f.services, service)
		close(s.forgotten)
	}
	return nil
}

// callLimit bounds one call of the driver, beyond the grace it is given.
const callLimit = time.Minute

var errStuck = errors.New("instances are still there; they are being removed in the background")

// removeAll removes the instances that which (called under the lock) picks and waits until the last one is gone.
func (f *Fleet) removeAll(ctx context.Context, s *service, which func(*instance) bool) error {
	limit := f.cfg.DrainLimit + f.cfg.StopGrace + 2*callLimit
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errStuck)
	defer cancel()
	for {
		f.mu.Lock()
		left, lastErr := 0, error(nil)
		for _, i := range s.sortedLocked() {
			if i.phase == leaving || which(i) {
				f.removeLocked(i)
				left, lastErr = left+1, errors.Join(lastErr, i.removeErr)
			}
		}
		change := s.change
		f.mu.Unlock()
		if left == 0 {
			return nil
		}
		if err := f.await(ctx, change); err != nil {
			return errors.Join(err, lastErr)
		}
	}
}

// removeLocked begins to remove the instance, once: unpublished first, then the rest in the background.
func (f *Fleet) removeLocked(i *instance) {
	if i.phase == leaving {
		return
	}
	i.moveLocked(leaving)
	f.publishLocked(i.service)
	i.cancel(errRemoved)
	published, drain := i.service.publishedLocked(), i.exposed && !i.dead
	f.spawnLocked(func() { f.remove(i, published, drain) })
}

// remove ends early only with the fleet; Recover finds what is left then.
func (f *Fleet) remove(i *instance, published <-chan struct{}, drain bool) {
	if f.await(f.ctx, i.settled) != nil || f.await(f.ctx, published) != nil {
		return
	}
	if drain {
		f.drain(i)
	}
	for try := 0; f.ctx.Err() == nil; try++ {
		err := f.destroy(i)
		f.removed(i, err)
		if err == nil {
			return
		}
		f.cfg.Log.Error("destroy instance", slog.String("instance_id", i.id), slog.Any("error", err))
		sleep(f.ctx, backoff(try))
	}
}

func (f *Fleet) drain(i *instance) {
	ctx, cancel := context.WithTimeout(f.ctx, f.cfg.DrainLimit)
	defer cancel()
	if err := f.cfg.Drain(ctx, i.id); err != nil && f.ctx.Err() == nil {
		f.cfg.Log.Warn("drain instance", slog.String("instance_id", i.id), slog.Any("error", err))
	}
}

// destroy stops first, with all of the instance's CPU, so that it can end in good order within the grace; an instance that cannot be stopped in good order is destroyed all the same.
func (f *Fleet) destroy(i *instance) error {
	ctx, cancel := context.WithTimeout(f.ctx, f.cfg.StopGrace+callLimit)
	defer cancel()
	if i.cpu.resting.Load() {
		i.cpu.restore()
	}
	if err := f.cfg.Driver.Stop(ctx, i.id, f.cfg.StopGrace); err != nil {
		if f.ctx.Err() != nil {
			return err
		}
		f.cfg.Log.Warn("stop instance", slog.String("instance_id", i.id), slog.Any("error", err))
	}
	ctx, cancel = context.WithTimeout(f.ctx, callLimit)
	defer cancel()
	return f.cfg.Driver.Destroy(ctx, i.id)
}

// removed forgets the instance, or remembers why it is still there.
func (f *Fleet) removed(i *instance, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i.removeErr = err
	if err == nil {
		delete(f.instances, i.id)
		delete(i.service.instances, i.id)
	}
	i.service.changedLocked()
}
