package build

import (
	"context"
	"slices"
	"sync"
)

// turns lets so many builds run at a time. Accounts take turns: however many builds of one wait, the next of another waits
// for one of them at most, and for those that run.
type turns struct {
	mu       sync.Mutex
	free     int
	accounts []string                   // those with builds that wait, the next one first
	waiting  map[string][]chan struct{} // an account's builds in their order; closed when it is their turn
}

func newTurns(n int) *turns { return &turns{free: n, waiting: map[string][]chan struct{}{}} }

// take blocks until it is the build's turn, which give ends, or until ctx ends. wait is called if it has to wait at all.
func (t *turns) take(ctx context.Context, account string, wait func()) error {
	turn := t.enter(account)
	if turn == nil {
		return nil
	}
	wait()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		t.leave(account, turn)
		return context.Cause(ctx)
	}
}

// enter returns nil when it is the build's turn at once.
func (t *turns) enter(account string) (turn chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.free > 0 {
		t.free--
		return nil
	}
	turn = make(chan struct{})
	if len(t.waiting[account]) == 0 {
		t.accounts = append(t.accounts, account)
	}
	t.waiting[account] = append(t.waiting[account], turn)
	return turn
}

// leave ends the wait for a turn, or the turn if it has come meanwhile.
func (t *turns) leave(account string, turn chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.waiting[account], turn)
	if i < 0 {
		t.giveLocked()
		return
	}
	t.waiting[account] = slices.Delete(t.waiting[account], i, i+1)
	if len(t.waiting[account]) == 0 {
		delete(t.waiting, account)
		t.accounts = slices.DeleteFunc(t.accounts, func(a string) bool { return a == account })
	}
}

// give ends a turn.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveLocked()
}

func (t *turns) giveLocked() {
	if len(t.accounts) == 0 {
		t.free++
		return
	}
	account := t.accounts[0]
	t.accounts = t.accounts[1:]
	next := t.waiting[account][0]
	if t.waiting[account] = t.waiting[account][1:]; len(t.waiting[account]) > 0 {
		t.accounts = append(t.accounts, account)
	} else {
		delete(t.waiting, account)
	}
	close(next)
}
