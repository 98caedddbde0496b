package main

import (
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"apron/keyring"
	"apron/store"
)

// openTestKeys opens the keys of a directory, as one process does.
func openTestKeys(t *testing.T, data string) *keys {
	t.Helper()
	ring, err := keyring.Open(filepath.Join(data, ringFile))
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), filepath.Join(data, storeFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	k, err := openKeys(t.Context(), st, ring, data)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestFind_BelievesAKeyForASecondAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := t.TempDir()
		k := openTestKeys(t, data)
		c, err := readCredentials(data)
		if err != nil {
			t.Fatal(err)
		}
		known := func() bool {
			key, known, err := k.find(t.Context(), c.AccessKeyID)
			if err != nil || known && (key.Secret != c.SecretAccessKey || key.Account != c.Account || key.ReadOnly) {
				t.Fatalf("key = %+v, %v", key, err)
			}
			return known
		}
		if !known() {
			t.Fatal("the directory's own key is not known")
		}
		if err := k.store.Update(t.Context(), func(tx *store.Tx) error { return tx.RevokeKey(c.AccessKeyID, time.Now()) }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(keyLife - time.Nanosecond)
		if !known() {
			t.Error("the store was read twice within a second")
		}
		time.Sleep(time.Nanosecond)
		if known() {
			t.Error("the key is known a second after it was revoked")
		}
	})
}

func TestFind_RemembersNoStrangers(t *testing.T) {
	k := openTestKeys(t, t.TempDir())
	for _, id := range []string{"", "AKIANOBODY", "AKIANOBODY"} {
		if _, known, err := k.find(t.Context(), id); known || err != nil {
			t.Errorf("%q: %v, %v", id, known, err)
		}
		if _, ok, err := k.login(t.Context(), id, ""); ok || err != nil {
			t.Errorf("login of %q without a password: %v, %v", id, ok, err)
		}
	}
	if len(k.known) != 0 {
		t.Errorf("remembered %v", k.known)
	}
}

func TestOpenKeys_MakesOneFirstKeyForAllWhoOpenAtOnce(t *testing.T) {
	data := t.TempDir()
	ring, err := keyring.Open(filepath.Join(data, ringFile))
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), filepath.Join(data, storeFile))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	owners := make([]string, 8)
	var all sync.WaitGroup
	for i := range owners {
		all.Go(func() {
			joined, err := store.Join(t.Context(), filepath.Join(data, storeFile))
			if err != nil {
				t.Error(err)
				return
			}
			defer joined.Close()
			k, err := openKeys(t.Context(), joined, ring, data)
			if err != nil {
				t.Error(err)
				return
			}
			owners[i] = k.owner
		})
	}
	all.Wait()
	if err := st.View(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Keys("")
		if len(rows) != 1 {
			t.Errorf("%d keys, owners %v", len(rows), owners)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
