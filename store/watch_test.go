package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"apron/api"
	"apron/store"
)

func TestWatchedServices_AreThoseThatDeployByThemselves(t *testing.T) {
	s := newStore(t)
	auto := func(name string, on *bool) store.Service {
		svc := service(name)
		svc.Service.SourceConfiguration = &api.SourceConfiguration{AutoDeploymentsEnabled: on}
		return svc
	}
	deleted := auto("gone", new(true))
	deleted.Service.DeletedAt = new(api.At(time.Now()))
	yes := auto("yes", new(true))
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.PutService(yes), tx.PutService(auto("no", new(false))), tx.PutService(auto("unset", nil)), tx.PutService(deleted))
	})
	view(t, s, func(tx *store.Tx) error {
		if got, err := tx.WatchedServices(); err != nil || !slices.Equal(got, []string{yes.Service.ServiceArn}) {
			t.Errorf("watched are %v, %v", got, err)
		}
		return nil
	})
}

func TestWatch_IsWhatWasWrittenLast(t *testing.T) {
	s := newStore(t)
	want := store.Watch{Origin: "https://example.com/web main", Seen: "c2", Paused: true, Failure: "no such branch"}
	update(t, s, func(tx *store.Tx) error {
		if w, err := tx.Watch("arn"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("it has seen %+v, %v before anything was written", w, err)
		}
		return errors.Join(tx.PutWatch("arn", store.Watch{Seen: "c1"}), tx.PutWatch("arn", want))
	})
	view(t, s, func(tx *store.Tx) error {
		if w, err := tx.Watch("arn"); err != nil || w != want {
			t.Errorf("it has seen %+v, %v; want %+v", w, err, want)
		}
		return nil
	})
}
