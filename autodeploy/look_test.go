package autodeploy

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"apron/api"
	"apron/store"
)

// TestUnreadable_IsToldWhenItBegins and not at every look, whatever the server's words are then.
func TestUnreadable_IsToldWhenItBegins(t *testing.T) {
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "apron.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	v := at(api.StatusRunning, "c1", "c1")
	v.svc.Service.ServiceName, v.svc.Service.ServiceId = "web-app", "0123456789abcdef0123456789abcdef"
	if err := st.Update(t.Context(), func(tx *store.Tx) error { return tx.PutService(v.svc) }); err != nil {
		t.Fatal(err)
	}
	var told []string
	w := New(Config{Store: st, Event: func(_ api.Service, text string) { told = append(told, text) }})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for i, words := range []string{"request 1 failed", "request 2 failed", "request 2 failed"} {
		again, err := w.unreadable(over, v, errors.New(words))
		if err != nil || (again > 0) != (i == 0) {
			t.Fatalf("look %d: again after %v, %v", i, again, err)
		}
		if v, err = w.read(t.Context(), "arn"); err != nil || v.watch.Failure != words {
			t.Fatalf("the watch has %q, %v, want %q", v.watch.Failure, err, words)
		}
	}
	if len(told) != 1 {
		t.Errorf("told: %q, want the first failure alone", told)
	}
}
