package storetest_test

import (
	"testing"
	"time"

	"apron/store"
	"apron/store/storetest"
)

// TestOpen_SharesNothing changes one store and looks into another, which must have its tables too.
func TestOpen_SharesNothing(t *testing.T) {
	one, other := storetest.Open(t), storetest.Open(t)
	if err := one.Update(t.Context(), func(tx *store.Tx) error {
		return tx.PutKey(store.Key{ID: "AKIATEST", Account: "123456789012", Secret: []byte("sealed"), Created: time.Now()})
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		store *store.Store
		want  int
	}{{one, 1}, {other, 0}} {
		err := c.store.View(t.Context(), func(tx *store.Tx) error {
			keys, err := tx.Keys("123456789012")
			if len(keys) != c.want {
				t.Errorf("%d keys are there, want %d", len(keys), c.want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
