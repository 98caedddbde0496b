package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Deploy brings rev up to Size healthy instances, at least one, and no fewer than serve now, within MaxSize, beside whatever else the service runs, and returns when they are
// healthy; none is published before Serve. It may be repeated: instances of the same revision count. Instances that
// are found at start without their revision being known are probed from here on.
//
// A *StartError says why an instance did not start or turn healthy; any other error is the machine's fault. After
// either, the instances that do not serve already are gone. When ctx is done, its cause is returned and what exists
// is left for the repeat, or for Retire.
func (f *Fleet) Deploy(ctx context.Context, rev Revision) (err error) {
	if rev.Service == "" || rev.ID == "" || rev.Port == 0 {
		return fmt.Errorf("deploy: a revision needs service, id and port, not %q, %q and %d", rev.Service, rev.ID, rev.Port)
	}
	rev = rev.withDefaults()
	s, before, err := f.beginDeploy(rev)
	if err != nil {
		return err
	}
	defer func() { f.endDeploy(s, before, err) }()
	failure, err := f.awaitDeployed(ctx, s, rev)
	if err != nil || failure == nil {
		return err
	}
	if err := f.abandon(ctx, s, rev.ID); err != nil {
		return errors.Join(failure, fmt.Errorf("remove the failed instances: %w", err))
	}
	return failure
}

// Took returns how long the slowest of the revision's instances took to be healthy: until its process was executed, and from
// there until its health checks said so, which is the application's own time but for the pause between two of them. ok is
// false when all were found, and none was started here.
func (f *Fleet) Took(service, revisionID string) (start, health time.Duration, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.services[service]
	if s == nil {
		return 0, 0, false
	}
	for _, i := range s.sortedLocked() {
		if i.rev.ID != revisionID || i.phase != healthy || i.up.IsZero() || ok && i.since.Sub(i.began) <= start+health {
			continue
		}
		start, health, ok = i.up.Sub(i.began), i.since.Sub(i.up), true
	}
	return start, health, ok
}

// beginDeploy returns the revision as it was known before, zero when it was not.
func (f *Fleet) beginDeploy(rev Revision) (s *service, before Revision, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s = f.serviceLocked(rev.Service)
	if s.deploying != "" {
		return nil, Revision{}, fmt.Errorf("deploy: service %s is already deploying %s", s.id, s.deploying)
	}
	before = s.revisions[rev.ID]
	s.deploying = rev.ID
	s.revisions[rev.ID] = rev
	for _, i := range s.sortedLocked() {
		if i.rev.ID != rev.ID {
			continue
		}
		if i.phase == adopted && !i.dead {
			i.rev = rev
			i.moveLocked(starting)
			close(i.named)
		}
		if i.phase == failed { // of an earlier try
			f.removeLocked(i)
		}
	}
	return s, before, nil
}

// endDeploy restores, after an error, what is kept of a revision that serves already: keep must not go on to try
// what Deploy could not do.
func (f *Fleet) endDeploy(s *service, before Revision, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil && before.ID != "" {
		s.revisions[before.ID] = before
	}
	s.deploying = ""
	s.changedLocked()
}

// awaitDeployed starts what is missing and waits; every instance turns healthy or fails within its allowance.
func (f *Fleet) awaitDeployed(ctx context.Context, s *service, rev Revision) (failure, err error) {
	for {
		f.mu.Lock()
		failure = s.failureLocked(rev.ID)
		alive, serving := s.countLocked(rev.ID)
		rev.Size = s.sizeLocked(rev)
		s.revisions[rev.ID] = rev
		if failure == nil {
			for range rev.Size - alive {
				f.startLocked(s, rev, 0)
			}
		}
		change := s.change
		f.mu.Unlock()
		if failure != nil || serving >= rev.Size {
			return failure, nil
		}
		if err := f.await(ctx, change); err != nil {
			return nil, err
		}
	}
}

// failureLocked returns why an instance of the revision failed. One that served and failed is keep's business.
func (s *service) failureLocked(revision string) error {
	for _, i := range s.sortedLocked() {
		served := i.served && s.serving == revision
		if i.rev.ID == revision && i.phase == failed && !served {
			return i.err
		}
	}
	return nil
}

// abandon removes the instances of a revision that could not be deployed, except those that serve.
func (f *Fleet) abandon(ctx context.Context, s *service, revision string) error {
	return f.removeAll(ctx, s, func(i *instance) bool {
		return i.rev.ID == revision && (s.serving != revision || i.phase != healthy)
	})
}

// Serve publishes the revision's healthy instances, from now on and instead of any other's, and keeps the revision
// at its size. It returns when they are published. The revision must be known by Deploy or Recover in this run of
// the server: a step that is repeated after a restart calls Deploy first, which costs nothing when all are healthy.
func (f *Fleet) Serve(service, revisionID string) error {
	f.mu.Lock()
	s := f.services[service]
	if s == nil {
		f.mu.Unlock()
		return fmt.Errorf("serve: no service %s; deploy it first", service)
	}
	if _, ok := s.revisions[revisionID]; !ok {
		f.mu.Unlock()
		return fmt.Errorf("serve: service %s has no revision %s; deploy it first", service, revisionID)
	}
	if s.serving != revisionID {
		s.vacancies = nil
		s.asleep, s.refusal = false, ""
	}
	s.serving = revisionID
	f.publishLocked(s)
	f.keepLocked(s)
	s.changedLocked()
	f.mu.Unlock()
	return f.awaitPublished(f.ctx, s)
}
