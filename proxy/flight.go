package proxy

import (
	"context"
	"errors"
	"slices"
	"time"
)

var (
	errNoInstance = errors.New("the service has no healthy instance")
	errQueueFull  = errors.New("the service's instances are full and so is its queue")
	errQueueTime  = errors.New("the service's instances were full for as long as a request may wait")
	errScaling    = errors.New("too many requests wait while the service scales out")
	errWithdrawn  = errors.New("the service was withdrawn")
	errDrained    = errors.New("the instance is being stopped")
)

// carrier is what carries a flight: the side of the client, in whatever protocol. Its methods are called under no
// lock of this package's services, and while they run the flight's end and leaveInstance wait: they must not block on
// the goroutine that serves the flight.
type carrier interface {
	cut(cause error) // ends the request from outside; the client is told the cause if nothing was answered yet
	hopeless() bool  // the request may never end: its connection is upgraded
}

// flight is one request's way through a service, whatever carries it: it is counted, limited, queued, given to an
// instance and can be cut from outside. A carrier embeds it and uses it again for its next request. One goroutine
// calls its methods.
type flight struct {
	proxy   *Proxy
	service *service
	carrier carrier
	limits  *Limits // those at the request's beginning; not to be changed
	began   time.Time
	waited  time.Duration

	// The service's lock guards what follows, but that the flight's own goroutine may read instance and last.
	gate     *gate
	instance *instance   // where the request is
	last     *instance   // where it is or was last
	tried    []*instance // where it was before that
	retried  bool        // it has got another instance after one failed it
	waiting  bool        // in the service's queue
	pins     int         // cuts that are at the carrier

	inService, inInstance, inQueue link

	granted chan error // the end of the wait: nil for an instance; holds one, so that nobody blocks on it
}

// begin counts the request in and takes the time. It reports false when the service is closed: the answer is that for
// an unknown host. Every begin that reports true needs an end. It does not allocate.
func (p *Proxy) begin(f *flight, svc *service, c carrier) bool {
	now := time.Now()
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if svc.gate.closed {
		return false
	}
	f.proxy, f.service, f.carrier = p, svc, c
	f.limits, f.gate, f.began, f.waited, f.retried = svc.limits, svc.gate, now, 0, false
	f.inService.flight, f.inInstance.flight, f.inQueue.flight = f, f, f
	f.gate.inside.push(&f.inService)
	svc.inFlight++
	svc.peak = max(svc.peak, svc.inFlight)
	return true
}

// tryInstance claims a place at the instance with the fewest requests that has room and was not tried by this flight
// before. It returns nil when there is none. It never blocks, and allocates nothing for a flight that tried none yet.
// It overtakes nobody: as long as requests wait, there is no room that one of them could use.
func (f *flight) tryInstance() *instance {
	s := f.service
	s.mu.Lock()
	defer s.mu.Unlock()
	f.noteTriedLocked()
	return s.claimLocked(f)
}

func (f *flight) noteTriedLocked() {
	if f.last != nil && !slices.Contains(f.tried, f.last) {
		f.tried = append(f.tried, f.last)
	}
}

// awaitInstance claims a place as tryInstance does, and when there is none waits for one, in the order in which
// requests began. Its errors are errNoInstance, errQueueFull, errQueueTime, errScaling, errTimeout, errWithdrawn and the
// cause of ctx.
func (f *flight) awaitInstance(ctx context.Context) (*instance, error) {
	if in, err := f.enqueue(); in != nil || err != nil {
		return in, err
	}
	began := time.Now()
	defer func() { f.waited += time.Since(began) }()
	if f.proxy.demand != nil {
		f.proxy.demand(f.service.name)
	}
	select {
	case err := <-f.granted:
		return f.instance, err
	case <-ctx.Done():
		f.stopWaiting()
		return nil, context.Cause(ctx)
	}
}

// stopWaiting leaves the queue, or the place that was granted meanwhile.
func (f *flight) stopWaiting() {
	s := f.service
	s.mu.Lock()
	if f.waiting {
		s.dequeueLocked(f)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	<-f.granted
	f.leaveInstance()
}

// leaveInstance gives the flight's place to the first that waits. Without a place it does nothing.
func (f *flight) leaveInstance() {
	if f.instance == nil {
		return
	}
	s := f.service
	s.mu.Lock()
	defer s.mu.Unlock()
	f.leaveInstanceLocked()
}

func (f *flight) leaveInstanceLocked() {
	in := f.instance
	if in == nil {
		return
	}
	f.service.awaitUnpinnedLocked(f)
	in.gate.leaveLocked(&f.inInstance)
	if in.onTrial == f {
		in.onTrial = nil
	}
	f.instance = nil
	f.service.dispatchLocked()
}

// end leaves the instance and the service, counts the request, and calls Config.Ended before the service can seem to
// be without requests. It fills in Service, Instance, Began, Waited, Took and Retried of r.
func (f *flight) end(r *Record) {
	s := f.service
	r.Service, r.Began, r.Waited, r.Took = s.name, f.began, f.waited, time.Since(f.began)
	r.Retried = f.retried
	if f.last != nil {
		r.Instance = f.last.id
	}
	if f.proxy.ended != nil {
		f.proxy.ended(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.leaveInstanceLocked()
	s.awaitUnpinnedLocked(f)
	f.gate.leaveLocked(&f.inService)
	s.inFlight--
	s.count.add(r)
	clear(f.tried)
	f.tried, f.last, f.gate = f.tried[:0], nil, nil
}

// lastID names the instance that the request is at or was at last, "" for none.
func (f *flight) lastID() string {
	if f.last == nil {
		return ""
	}
	return f.last.id
}
