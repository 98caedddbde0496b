package fleet

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// service is what the fleet knows of one service. All fields but the channels' ends are guarded by Fleet.mu.
type service struct {
	id        string
	revisions map[string]Revision
	instances map[string]*instance
	serving   string // the revision that is published and kept at its size; "" is none
	deploying string // the revision that a Deploy is at work on
	vacancies []vacancy
	keeping   bool          // its keeper runs
	change    chan struct{} // closed, and replaced, at every change
	forgotten chan struct{} // closed by Stop

	asleep   bool   // scaled to zero, and no instance healthy since
	refusal  string // why the last instance of one that is asleep did not start, until the next one is tried
	keepsCPU bool   // idle instances keep their CPU

	published  []string     // as of the last publication that was queued
	vacant     vacant       // likewise
	told       *publication // the one that is made, or was made last
	queue      []*publication
	last       *publication
	publishing bool // a goroutine works on the queue
}

// vacancy is an instance to be started not before at.
type vacancy struct {
	attempt int
	at      time.Time
}

func (s *service) changedLocked() {
	close(s.change)
	s.change = make(chan struct{})
}

// countLocked returns how many instances of the revision there are that may serve, and how many of them do.
func (s *service) countLocked(revision string) (alive, serving int) {
	for _, i := range s.instances {
		if i.rev.ID == revision && i.phase < failed {
			alive++
			if i.phase == healthy {
				serving++
			}
		}
	}
	return alive, serving
}

// keep holds the served revision at its size until the service is forgotten or the fleet ends.
func (f *Fleet) keep(s *service) {
	for {
		f.mu.Lock()
		replaced, next := f.planLocked(s)
		change := s.change
		f.mu.Unlock()
		for _, i := range replaced {
			f.report(i)
		}
		var timer <-chan time.Time
		if !next.IsZero() {
			timer = time.After(time.Until(next))
		}
		select {
		case <-change:
		case <-timer:
		case <-s.forgotten:
			return
		case <-f.ctx.Done():
			return
		}
	}
}

func (f *Fleet) keepLocked(s *service) {
	if !s.keeping {
		s.keeping = true
		f.spawnLocked(func() { f.keep(s) })
	}
}

// planLocked closes the gap between the service's revision and its instances, as far as it may now. It returns the
// instances that failed since the last time, and when to come again for a vacancy that must wait.
func (f *Fleet) planLocked(s *service) (replaced []*instance, next time.Time) {
	rev, ok := s.revisions[s.serving]
	if !ok || s.deploying == s.serving {
		return nil, time.Time{}
	}
	replaced = s.vacateLocked()
	alive, serving := s.countLocked(rev.ID)
	f.shrinkLocked(s, alive-rev.Size)
	f.clearFailedLocked(s, serving >= rev.Size)
	return replaced, f.fillLocked(s, rev, rev.Size-alive)
}

// vacateLocked makes a vacancy of each instance that failed.
func (s *service) vacateLocked() (replaced []*instance) {
	for _, i := range s.sortedLocked() {
		if i.rev.ID == s.serving && i.phase == failed && !i.replaced {
			i.replaced = true
			attempt := i.attempt + 1
			s.vacancies = append(s.vacancies, vacancy{attempt, time.Now().Add(crashDelay(attempt))})
			replaced = append(replaced, i)
		}
	}
	return replaced
}

// fillLocked starts what is missing and due, and returns when the next vacancy is.
func (f *Fleet) fillLocked(s *service, rev Revision, missing int) (next time.Time) {
	slices.SortFunc(s.vacancies, func(a, b vacancy) int { return a.at.Compare(b.at) })
	s.vacancies = s.vacancies[:max(0, min(missing, len(s.vacancies)))]
	for missing > len(s.vacancies) {
		f.startLocked(s, rev, 0)
		missing--
	}
	for len(s.vacancies) > 0 && !s.vacancies[0].at.After(time.Now()) {
		f.startLocked(s, rev, s.vacancies[0].attempt)
		s.vacancies = s.vacancies[1:]
	}
	if len(s.vacancies) > 0 {
		return s.vacancies[0].at
	}
	return time.Time{}
}

// clearFailedLocked removes failed instances: those that never served or have no process at once, the others, which
// may be busy with a last request, when their successors serve.
func (f *Fleet) clearFailedLocked(s *service, succeeded bool) {
	for _, i := range s.sortedLocked() {
		if i.rev.ID == s.serving && i.phase == failed && (i.dead || !i.served || succeeded) {
			f.removeLocked(i)
		}
	}
}

// report tells the owner and the operator of one replacement.
func (f *Fleet) report(i *instance) {
	reason := ownersReason(i.err)
	f.cfg.Event(i.service.id, fmt.Sprintf("%s Replacing instance %s.", sentence(reason), i.id))
	f.cfg.Log.Info("instance replaced", slog.String("service_id", i.service.id),
		slog.String("revision", i.rev.ID), slog.String("instance_id", i.id),
		slog.Int("attempt", i.attempt+1), slog.String("reason", reason))
}

// ownersReason is what the service's owner is told: what is not the application's fault is in the server's log alone.
func ownersReason(err error) string {
	if _, ok := errors.AsType[*StartError](err); ok {
		return err.Error()
	}
	return "Your application could not be started. The cause is in the server's log."
}

func sentence(text string) string {
	if text != "" && text[len(text)-1] != '.' {
		return text + "."
	}
	return text
}
