package proxy

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// cutGrace bounds the wait for requests that were cut: their contexts are cancelled and their clients' connections
// have passed deadlines, so only a stuck dial could take longer.
const cutGrace = 5 * time.Second

// gate counts the exchanges inside something that can be closed: a service or an instance. The claim is made under
// its lock, so that after close returns nobody new is inside: an unlocked counter would let a request slip in
// between the look at the routing table and the count. The lock is held for a map insert, tens of nanoseconds.
type gate struct {
	n atomic.Int64 // len(inside), readable without the lock

	mu     sync.Mutex
	inside map[*exchange]struct{}
	closed bool
	empty  chan struct{} // closed once the gate is closed and nobody is inside
}

func newGate() *gate {
	return &gate{inside: map[*exchange]struct{}{}, empty: make(chan struct{})}
}

// enter reports false when the gate is closed.
func (g *gate) enter(x *exchange) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside[x] = struct{}{}
	g.n.Add(1)
	return true
}

func (g *gate) leave(x *exchange) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.inside, x)
	g.n.Add(-1)
	g.signalLocked()
}

// close lets nobody in any more. Those inside go on.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.closed = true
		g.signalLocked()
	}
}

func (g *gate) signalLocked() {
	if g.closed && len(g.inside) == 0 {
		close(g.empty)
	}
}

// drain waits until a closed gate is empty. Upgraded connections, which need never end, and requests that no instance
// has got yet are cut with cause at once; the others when ctx is done. It returns an error when it had to cut a plain request, or when one did not end.
func (g *gate) drain(ctx context.Context, cause error) error {
	g.cut(cause, (*exchange).hopeless)
	select {
	case <-g.empty:
		return nil
	case <-ctx.Done():
	}
	n := g.cut(cause, func(*exchange) bool { return true })
	if n == 0 {
		return nil
	}
	select {
	case <-g.empty:
		return fmt.Errorf("%d requests in flight were cut: %w", n, context.Cause(ctx))
	case <-time.After(cutGrace):
		return fmt.Errorf("%d requests were cut and have not ended after %v: %w", g.n.Load(), cutGrace, context.Cause(ctx))
	}
}

// cut ends the exchanges that which chooses and returns their number.
func (g *gate) cut(cause error, which func(*exchange) bool) int {
	g.mu.Lock()
	var chosen []*exchange
	for x := range g.inside {
		if which(x) {
			chosen = append(chosen, x)
		}
	}
	g.mu.Unlock()
	for _, x := range chosen {
		x.cut(cause)
	}
	return len(chosen)
}

func (g *gate) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}
