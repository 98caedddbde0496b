package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"apron/api"
	"apron/store"
)

func TestUpdate_WhoseCallerHasGone_ChangesNothing(t *testing.T) {
	s := newStore(t)
	gone := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	err := s.Update(ctx, func(tx *store.Tx) error {
		defer cancel(gone)
		return tx.PutTag("arn", "k", "v")
	})
	if !errors.Is(err, gone) {
		t.Errorf("Update = %v, want %v", err, gone)
	}
	view(t, s, func(tx *store.Tx) error {
		if tags, err := tx.Tags("arn"); err != nil || len(tags) != 0 {
			t.Errorf("tags = %v, %v", tags, err)
		}
		return nil
	})
}

func TestList_WhoseCallerHasGone_Ends(t *testing.T) {
	s := newStore(t)
	update(t, s, func(tx *store.Tx) error { return tx.PutService(service("web-app")) })
	ctx, cancel := context.WithCancel(t.Context())
	err := s.View(ctx, func(tx *store.Tx) error {
		cancel()
		_, err := tx.Summaries(account, region, 0, -1)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("View = %v, want %v", err, context.Canceled)
	}
}

// TestConnections_ComeBack from transactions that end in every way there is: there is one for writing, and few for reading.
func TestConnections_ComeBack(t *testing.T) {
	s := newStore(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	type transaction = func(context.Context, func(*store.Tx) error) error
	ways := map[string]func(transaction){
		"panic": func(do transaction) {
			defer func() { recover() }()
			do(t.Context(), func(*store.Tx) error { panic("defect") })
		},
		"error": func(do transaction) {
			do(t.Context(), func(*store.Tx) error { return errors.New("no") })
		},
		"context ended before": func(do transaction) {
			do(ended, func(*store.Tx) error { return nil })
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			for range 50 {
				way(s.View)
				way(s.Update)
			}
		})
	}
	view(t, s, func(tx *store.Tx) error { return nil })
	update(t, s, func(tx *store.Tx) error { return tx.PutTag("arn", "k", "v") })
}

func TestUpdate_WaitsForItsTurnOnlyAsLongAsItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t)
		ctx, cancel := context.WithCancel(t.Context())
		update(t, s, func(*store.Tx) error {
			waiting := make(chan error)
			go func() { waiting <- s.Update(ctx, func(*store.Tx) error { return nil }) }()
			synctest.Wait()
			cancel()
			if err := <-waiting; !errors.Is(err, context.Canceled) {
				t.Errorf("the second Update = %v, want %v", err, context.Canceled)
			}
			return nil
		})
	})
}

func TestImages_AreThoseOfServicesThatAreNotDeleted(t *testing.T) {
	s := newStore(t)
	update(t, s, func(tx *store.Tx) error {
		var errs []error
		for i, image := range []string{"sha256:b", "sha256:a", "sha256:b", "", "sha256:c"} {
			svc := service("web-app-" + string(rune('a'+i)))
			svc.Deployed = &store.Deployment{ID: "d", Image: image, Config: svc.Service}
			if image == "sha256:c" {
				svc.Service.DeletedAt = &svc.Service.CreatedAt
			}
			errs = append(errs, tx.PutService(svc))
		}
		return errors.Join(append(errs, tx.PutService(service("never-deployed")))...)
	})
	view(t, s, func(tx *store.Tx) error {
		if images, err := tx.Images(); err != nil || !slices.Equal(images, []string{"sha256:a", "sha256:b"}) {
			t.Errorf("images = %v, %v", images, err)
		}
		return nil
	})
}

func TestServicesIn_HasThoseOfOneStatus(t *testing.T) {
	s := newStore(t)
	running, resting := service("web-app"), service("resting")
	resting.Service.Status = api.StatusPaused
	update(t, s, func(tx *store.Tx) error { return errors.Join(tx.PutService(resting), tx.PutService(running)) })
	running.Service.Status, resting.Service.Status = api.StatusPaused, api.StatusRunning
	update(t, s, func(tx *store.Tx) error { return errors.Join(tx.PutService(resting), tx.PutService(running)) })
	view(t, s, func(tx *store.Tx) error {
		rows, err := tx.ServicesIn(api.StatusRunning)
		if err != nil || len(rows) != 1 || rows[0].Record.Service.ServiceName != "resting" {
			t.Errorf("running = %+v, %v", rows, err)
		}
		return nil
	})
}
