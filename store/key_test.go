package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"apron/store"
)

func key(id, account string) store.Key {
	return store.Key{ID: id, Account: account, Name: "of " + id, Secret: []byte("sealed " + id), Created: time.UnixMilli(1000)}
}

func TestKeys_AreListedByAccountOldestFirst(t *testing.T) {
	s := newStore(t)
	reader := key("AKIA1", "222222222222")
	reader.ReadOnly = true
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.PutKey(key("AKIA9", account)), tx.PutKey(reader), tx.PutKey(key("AKIA5", account)))
	})
	cases := map[string][]string{"": {"AKIA9", "AKIA1", "AKIA5"}, account: {"AKIA9", "AKIA5"}, "333333333333": nil}
	view(t, s, func(tx *store.Tx) error {
		for of, want := range cases {
			list, err := tx.Keys(of)
			if err != nil || len(list) != len(want) {
				t.Fatalf("keys of %q = %v, %v; want %v", of, list, err, want)
			}
			for i, k := range list {
				if k.ID != want[i] {
					t.Errorf("key %d of %q is %s, want %s", i, of, k.ID, want[i])
				}
			}
			if has, err := tx.HasAccount(of); err != nil || has != (len(want) > 0 && of != "") {
				t.Errorf("HasAccount(%q) = %v, %v", of, has, err)
			}
		}
		got, err := tx.Key("AKIA1")
		if err != nil || !got.ReadOnly || !got.Usable() || got.Name != "of AKIA1" || !got.Created.Equal(reader.Created) || !bytes.Equal(got.Secret, reader.Secret) {
			t.Errorf("key = %+v, %v", got, err)
		}
		first, err := tx.FirstKey()
		if err != nil || first.ID != "AKIA9" {
			t.Errorf("first key = %+v, %v", first, err)
		}
		return nil
	})
}

func TestRevokeKey_IsForGood(t *testing.T) {
	s := newStore(t)
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.PutKey(key("AKIA1", account)), tx.RevokeKey("AKIA1", time.UnixMilli(2000)),
			tx.RevokeKey("AKIA1", time.UnixMilli(3000)), tx.PutKey(key("AKIA1", account)))
	})
	view(t, s, func(tx *store.Tx) error {
		if got, err := tx.Key("AKIA1"); err != nil || got.Usable() || !got.Revoked.Equal(time.UnixMilli(2000)) {
			t.Errorf("key = %+v, %v; want it revoked at 2000", got, err)
		}
		return nil
	})
}

func TestKey_UnknownIsNotFound(t *testing.T) {
	view(t, newStore(t), func(tx *store.Tx) error {
		if _, err := tx.Key("AKIA1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("error = %v, want ErrNotFound", err)
		}
		if _, err := tx.FirstKey(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("error = %v, want ErrNotFound", err)
		}
		return nil
	})
}

func TestJoin_SharesTheDatabaseOfARunningServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "apron.db")
	server := open(t, path)
	command, err := store.Join(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer command.Close()
	update(t, command, func(tx *store.Tx) error { return tx.PutKey(key("AKIA1", account)) })
	view(t, server, func(tx *store.Tx) error {
		_, err := tx.Key("AKIA1")
		return err
	})
}

func TestJoin_RefusesAnotherSchemaAndLeavesIt(t *testing.T) {
	cases := []struct {
		name, change string
		newer        bool
	}{
		{"older", "DELETE FROM goose_db_version WHERE version_id >= 3", false},
		{"newer", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)", true},
		{"never migrated", "DROP TABLE goose_db_version", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "apron.db")
			open(t, path).Close()
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(c.change); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the first attempt has not changed what the second finds
				_, err = store.Join(t.Context(), path)
				if wrong, ok := errors.AsType[*store.SchemaError](err); !ok || wrong.Newer() != c.newer {
					t.Errorf("error = %v, want a SchemaError, newer %v", err, c.newer)
				}
			}
		})
	}
}

func TestJoin_MakesNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "apron.db")
	_, err := store.Join(t.Context(), path)
	if _, ok := errors.AsType[*store.SchemaError](err); !ok {
		t.Errorf("error = %v, want a SchemaError", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want no file", err)
	}
}
