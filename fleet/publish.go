package fleet

import (
	"context"
	"slices"
)

// publication is what the data plane is told at a time, queued while the state is locked and told when it is not.
type publication struct {
	vacant
	ids  []string
	done chan struct{}
}

// vacant is why a service has no instances.
type vacant struct {
	idle    bool   // it is scaled to zero, or on its way from there
	refusal string // why none starts; "" when one may
}

// publishLocked queues the served revision's healthy instances if they are not what was queued last.
func (f *Fleet) publishLocked(s *service) {
	var ids []string
	for _, i := range s.sortedLocked() {
		if s.serving != "" && i.rev.ID == s.serving && i.phase == healthy {
			ids = append(ids, i.id)
			i.exposed = true
		}
	}
	why := s.vacantLocked()
	if slices.Equal(ids, s.published) && why == s.vacant {
		return
	}
	s.published, s.vacant = ids, why
	s.last = &publication{why, ids, make(chan struct{})}
	s.queue = append(s.queue, s.last)
	if !s.publishing {
		s.publishing = true
		f.spawnLocked(func() { f.publishQueue(s) })
	}
}

func (f *Fleet) publishQueue(s *service) {
	for {
		f.mu.Lock()
		if len(s.queue) == 0 {
			s.publishing = false
			f.mu.Unlock()
			return
		}
		next, told := s.queue[0], s.told
		s.queue, s.told = s.queue[1:], next
		f.mu.Unlock()
		f.tell(s.id, next, told)
		close(next.done)
	}
}

// tell says what has changed since the publication before, which is nil for the first.
func (f *Fleet) tell(service string, next, before *publication) {
	if before == nil {
		before = &publication{}
	}
	if f.cfg.Idle != nil && next.idle != before.idle {
		f.cfg.Idle(service, next.idle)
	}
	if f.cfg.Refuse != nil && next.refusal != before.refusal {
		f.cfg.Refuse(service, next.refusal)
	}
	if !slices.Equal(next.ids, before.ids) {
		f.cfg.Publish(service, next.ids)
	}
}

// publishedLocked returns a channel that is closed when what was queued until now is published.
func (s *service) publishedLocked() <-chan struct{} {
	if s.last == nil {
		return closedChan
	}
	return s.last.done
}

var closedChan = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// awaitPublished returns when the data plane knows the present state.
func (f *Fleet) awaitPublished(ctx context.Context, s *service) error {
	f.mu.Lock()
	done := s.publishedLocked()
	f.mu.Unlock()
	return f.await(ctx, done)
}
