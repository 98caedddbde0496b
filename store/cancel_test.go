package store_test

import (
	"errors"
	"testing"
	"time"

	"apron/api"
	"apron/store"
)

// TestCancellation_OutlivesWhatTheWorkerWrites because the worker has read its operation before the request came.
func TestCancellation_OutlivesWhatTheWorkerWrites(t *testing.T) {
	s := newStore(t)
	op := operation("arn")
	first := store.Cancellation{AccessKeyID: "AKIAFIRST", RequestID: "r1", At: api.At(time.UnixMilli(1700000000123))}
	update(t, s, func(tx *store.Tx) error {
		if err := tx.PutOperation(op); err != nil {
			return err
		}
		if c, err := tx.Cancellation(op.ID()); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("cancelled by %+v, %v before anybody asked", c, err)
		}
		return tx.CancelOperation(op.ID(), first)
	})
	op.Done = []string{"pull"}
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.PutOperation(op), tx.CancelOperation(op.ID(), store.Cancellation{AccessKeyID: "AKIASECOND"}))
	})
	view(t, s, func(tx *store.Tx) error {
		if c, err := tx.Cancellation(op.ID()); err != nil || c != first {
			t.Errorf("cancelled by %+v, %v; want %+v", c, err, first)
		}
		return nil
	})
}
