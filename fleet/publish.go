package fleet

import (
	"context"
	"slices"
)

// publication is one call of Config.Publish, queued while the state is locked and made when it is not.
type publication struct {
	ids  []string
	done chan struct{}
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
	if slices.Equal(ids, s.published) {
		return
	}
	s.published = ids
	s.last = &publication{ids, make(chan struct{})}
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
		next := s.queue[0]
		s.queue = s.queue[1:]
		f.mu.Unlock()
		f.cfg.Publish(s.id, next.ids)
		close(next.done)
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
