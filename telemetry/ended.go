package telemetry

import (
	"maps"
	"time"
)

const kindBuild = "build" // beside the types of operations

// ending is what an operation or a build was, and what came of it.
type ending struct{ account, kind, outcome string }

type sum struct {
	n    uint64
	took time.Duration
}

// OperationEnded counts an operation of the account by its type and by how it ended, in App Runner's words.
func (t *Telemetry) OperationEnded(account, kind, status string, took time.Duration) {
	t.count(ending{account, kind, status}, took)
}

// BuildEnded counts a build by its outcome.
func (t *Telemetry) BuildEnded(account, outcome string, took time.Duration) {
	t.count(ending{account, kindBuild, outcome}, took)
}

func (t *Telemetry) count(e ending, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.ended[e]
	t.ended[e] = sum{s.n + 1, s.took + took}
}

func (t *Telemetry) endings() map[ending]sum {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.ended)
}

// Scaled counts a decision that gave the service another number of instances.
func (t *Telemetry) Scaled(serviceID string, from, to int) {
	s := t.meet(serviceID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if to > from {
		s.counts.scaledOut++
	} else {
		s.counts.scaledIn++
	}
}

// countsOf is a copy of what is counted of the service, and how many lines of its log were lost.
func (t *Telemetry) countsOf(id string) (c counts, lost uint64) {
	s := (*t.services.Load())[id]
	if s == nil {
		return c, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c = s.counts
	c.failures = maps.Clone(c.failures)
	return c, s.lines.lost
}
