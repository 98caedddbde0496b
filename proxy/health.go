package proxy

import (
	"errors"
	"math"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// avoidFor is how long an instance that refused a connection is chosen last: long enough for its end to be
	// noticed and short enough not to matter when it was busy for a moment.
	avoidFor = time.Second

	ejectAfter   = 3 // failures in a row
	leastBackOff = time.Second
	mostBackOff  = 30 * time.Second

	// trialTime is how long an instance that is back gets one request at a time. Should that one take longer, the
	// instance has at least taken it, and others may follow.
	trialTime = time.Second
)

// health is what requests have shown of an instance. After ejectAfter failures in a row it is ejected: it gets no
// request until its back-off is over, and then one at a time until one succeeds. Until then a single failure ejects it
// again, for twice as long.
type health struct {
	failures atomic.Int32 // in a row; read without the lock, so that a success costs one load

	// The service's lock guards what follows.
	odd     bool      // there is something else here to look at
	avoid   time.Time // until then the instance is chosen last; zero for a good one
	out     bool      // ejected
	trial   bool      // back, and given one request at a time
	onTrial *flight   // that request
	backOff time.Duration
	timer   *time.Timer // ends what out or trial say
	step    int         // how often that was changed
}

// succeeded notes that the instance has answered. It allocates nothing.
func (in *instance) succeeded() {
	if in.failures.Load() != 0 {
		in.recovered()
	}
}

func (in *instance) recovered() {
	s := in.service
	s.mu.Lock()
	defer s.mu.Unlock()
	in.failures.Store(0)
	in.avoid, in.backOff = time.Time{}, 0
	in.endTrialLocked()
	in.odd = in.out
}

// failed notes that the instance refused a connection, or broke a request off before the first byte of its answer, for
// no fault of the client's. A connection that the instance had kept alive and closed meanwhile is no failure.
func (in *instance) failed(err error) {
	if in.noteFailure(err) && in.proxy.failed != nil {
		in.proxy.failed(in.service.name, in.id, instanceReason(err))
	}
}

// noteFailure reports whether the failure made it eject the instance. The last one that is left is ejected only when it
// can't be connected to: else a request that it can't bear would take the service away from all others.
func (in *instance) noteFailure(err error) bool {
	_, unreached := errors.AsType[*dialError](err)
	s := in.service
	s.mu.Lock()
	defer s.mu.Unlock()
	n := in.failures.Add(1)
	in.odd = true
	if unreached {
		in.avoid = time.Now().Add(avoidFor)
	}
	if in.out || in.gate.closed || n < ejectAfter || s.available == 1 && !unreached {
		return false
	}
	in.ejectLocked()
	return true
}

func (in *instance) ejectLocked() {
	in.out, in.trial = true, false
	in.backOff = min(max(2*in.backOff, leastBackOff), mostBackOff)
	in.afterLocked(in.backOff, in.readmitLocked)
	in.service.countAvailableLocked()
	in.service.changedLocked()
}

// readmitLocked lets the instance show whether it is well again.
func (in *instance) readmitLocked() {
	in.out, in.trial, in.onTrial, in.avoid = false, true, nil, time.Time{}
	in.afterLocked(trialTime, in.endTrialLocked)
	in.service.countAvailableLocked()
	in.service.changedLocked()
}

func (in *instance) endTrialLocked() {
	if in.trial {
		in.trial = false
		in.service.dispatchLocked()
	}
}

// afterLocked calls next after d, unless something else is to come next by then.
func (in *instance) afterLocked(d time.Duration, next func()) {
	in.stopHealthLocked()
	step := in.step
	in.timer = time.AfterFunc(d, func() {
		in.service.mu.Lock()
		defer in.service.mu.Unlock()
		if in.step == step { // else the timer fired just before it was stopped
			next()
		}
	})
}

func (in *instance) stopHealthLocked() {
	in.step++
	if in.timer != nil {
		in.timer.Stop()
	}
}

// oddLoadLocked is loadLocked for an instance with something in its health to look at.
func (in *instance) oddLoadLocked(concurrency int) (load int, room bool) {
	load = in.gate.inside.n
	switch {
	case in.out:
		return load, false
	case in.trial:
		return load, load < concurrency && in.onTrial == nil
	case time.Now().Before(in.avoid):
		return math.MaxInt, load < concurrency
	}
	return load, load < concurrency
}

// loadLocked is the number of requests in flight, and whether there is room for one more.
func (in *instance) loadLocked(concurrency int) (load int, room bool) {
	if in.odd {
		return in.oddLoadLocked(concurrency)
	}
	return in.gate.inside.n, in.gate.inside.n < concurrency
}

// chooseLocked finds the instance with the fewest requests among those with room, in turn among equals. An instance that
// refused a connection a moment ago is chosen only when there is no other: being dead it has the fewest requests,
// and would draw all the traffic until its death is noticed.
func (s *service) chooseLocked(tried []*instance) *instance {
	s.turn++
	if s.turn >= len(s.instances) {
		s.turn = 0
	}
	best, least := bestOf(s.instances[s.turn:], tried, s.limits.Concurrency)
	if best != nil && least == 0 {
		return best
	}
	if other, load := bestOf(s.instances[:s.turn], tried, s.limits.Concurrency); best == nil || other != nil && load < least {
		return other
	}
	return best
}

func bestOf(instances, tried []*instance, concurrency int) (best *instance, least int) {
	for _, in := range instances {
		load, room := in.loadLocked(concurrency)
		if !room || best != nil && load >= least || slices.Contains(tried, in) {
			continue
		}
		if best, least = in, load; load == 0 {
			break
		}
	}
	return best, least
}

func (s *service) hasUntriedLocked(f *flight) bool {
	return slices.ContainsFunc(s.instances, func(in *instance) bool { return !slices.Contains(f.tried, in) })
}
