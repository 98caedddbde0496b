package build

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
)

// TestTurns_AreAccountsInTurn: one that asks for many builds at once keeps no other from its own.
func TestTurns_AreAccountsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1)
		var order []string
		ask := func(ctx context.Context, build string) {
			go func() {
				if err := turns.take(ctx, build[:1], func() {}); err == nil {
					order = append(order, build)
				} else if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		gone, cancel := context.WithCancel(t.Context())
		for _, build := range []string{"a1", "a2", "a3", "a4"} {
			ask(t.Context(), build)
		}
		ask(gone, "c1")
		ask(t.Context(), "b1")
		cancel()
		synctest.Wait()
		for range 5 {
			turns.give()
			synctest.Wait()
		}
		if want := []string{"a1", "a2", "b1", "a3", "a4"}; !slices.Equal(order, want) {
			t.Errorf("they came in the order %v, want %v", order, want)
		}
		if turns.free != 1 || len(turns.accounts) != 0 || len(turns.waiting) != 0 {
			t.Errorf("at the end there is %+v", turns)
		}
	})
}

func TestTurns_PassOnATurnThatComesToOneWhoHasGone(t *testing.T) {
	turns := newTurns(1)
	if turns.enter("a") != nil {
		t.Fatal("the first waits")
	}
	turn := turns.enter("a")
	turns.give()
	turns.leave("a", turn)
	if turns.free != 1 {
		t.Errorf("%d turns are free, want 1", turns.free)
	}
}
