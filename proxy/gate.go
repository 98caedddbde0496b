package proxy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// cutGrace bounds the wait for requests that were cut: their contexts are cancelled and their clients' connections
	// have passed deadlines, so only a stuck dial could take longer.
	cutGrace = 5 * time.Second

	// cutAgain is how often a drain looks for connections that were upgraded since it began.
	cutAgain = 250 * time.Millisecond
)

// gate holds the flights inside something that can be closed: a service or an instance. The lock of the service guards
// it, so that after close returns nobody new is inside: an unlocked counter would let a request slip in between the
// look at the routing table and the count.
type gate struct {
	inside list
	closed bool
	empty  chan struct{} // closed once the gate is closed and nobody is inside
}

func newGate() *gate { return &gate{empty: make(chan struct{})} }

func (g *gate) leaveLocked(x *link) {
	g.inside.remove(x)
	g.signalLocked()
}

// closeLocked lets nobody in any more. Those inside go on.
func (g *gate) closeLocked() {
	if !g.closed {
		g.closed = true
		g.signalLocked()
	}
}

func (g *gate) signalLocked() {
	if g.closed && g.inside.n == 0 {
		close(g.empty)
	}
}

// drain waits until a closed gate of the service is empty. Upgraded connections, which need never end, are cut with
// cause at once; the others at ctx's deadline. When ctx is cancelled, because whoever waits has changed its mind or leaves
// it to another process, they go on. It returns an error when it had to cut a plain request, or when one did not end.
func (s *service) drain(ctx context.Context, g *gate, cause error) error {
	for again := time.NewTicker(cutAgain); ; {
		s.cut(g, cause, carrier.hopeless)
		select {
		case <-g.empty:
			again.Stop()
			return nil
		case <-again.C:
			continue
		case <-ctx.Done():
			again.Stop()
		}
		break
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	s.refuse(g, cause)
	n := s.cut(g, cause, func(carrier) bool { return true })
	if n == 0 {
		return nil
	}
	select {
	case <-g.empty:
		return fmt.Errorf("%d requests in flight were cut: %w", n, context.Cause(ctx))
	case <-time.After(cutGrace):
		return fmt.Errorf("%d requests were cut and have not ended after %v: %w", n, cutGrace, context.Cause(ctx))
	}
}

// cut ends the flights inside g whose carriers which chooses, and returns their number. While it is at a flight the
// flight is pinned: it can't end, so that its carrier is not with another request already.
func (s *service) cut(g *gate, cause error, which func(carrier) bool) int {
	pinned := s.pin(g)
	n := 0
	for _, f := range pinned {
		if which(f.carrier) {
			f.carrier.cut(cause)
			n++
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range pinned {
		f.pins--
	}
	s.unpinned.Broadcast()
	return n
}

// refuse ends the wait of the flights inside g.
func (s *service) refuse(g *gate, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := g.inside.front; l != nil; l = l.next {
		if l.flight.waiting {
			s.grantLocked(l.flight, cause)
		}
	}
}

func (s *service) pin(g *gate) []*flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pinned []*flight
	for l := g.inside.front; l != nil; l = l.next {
		l.flight.pins++
		pinned = append(pinned, l.flight)
	}
	return pinned
}

// awaitUnpinnedLocked waits until no cut is at the flight.
func (s *service) awaitUnpinnedLocked(f *flight) {
	for f.pins > 0 {
		s.unpinned.Wait()
	}
}
