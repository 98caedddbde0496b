package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"apron/awsjson"
	"apron/image"
	"apron/keyring"
	"apron/store"
)

// keys finds access keys in the store, whose table is the one source of truth: a command may change it beside the server.
type keys struct {
	store *store.Store
	ring  *keyring.Ring
	owner string // account of the directory's first key: anonymous callers and the oldest repositories are its

	mu    sync.Mutex
	known map[string]knownKey // by id; usable ones alone, so that strangers' guesses do not fill it
}

// knownKey is a key as it was read last.
type knownKey struct {
	awsjson.Key
	read time.Time
}

// keyLife is how long a key is believed without another look: a revocation counts after it.
const keyLife = time.Second

// openKeys makes the data directory's first key when it has none.
func openKeys(ctx context.Context, st *store.Store, ring *keyring.Ring, data string) (*keys, error) {
	k := &keys{store: st, ring: ring, known: map[string]knownKey{}}
	err := st.Update(ctx, func(tx *store.Tx) error {
		if err := k.importCredentials(tx, data); err != nil {
			return err
		}
		first, err := tx.FirstKey()
		k.owner = first.Account
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open access keys: %w", err)
	}
	return k, nil
}

// importCredentials puts the key of credentials.json into the table, and makes the file when it is missing. It does so
// inside a writing transaction, which keeps two processes from making a first key each. A key that was revoked stays
// revoked; one whose secret the ring cannot open, because its key file was lost, is sealed anew.
func (k *keys) importCredentials(tx *store.Tx, data string) error {
	c, err := readCredentials(data)
	if errors.Is(err, fs.ErrNotExist) {
		c, err = firstCredentials(tx, data)
	}
	if err != nil {
		return err
	}
	row, err := tx.Key(c.AccessKeyID)
	if errors.Is(err, store.ErrNotFound) {
		return k.put(tx, c, store.Key{})
	}
	if err != nil || !row.Usable() {
		return err
	}
	if _, err := k.ring.Unseal(row.Secret); err != nil {
		return k.put(tx, c, store.Key{})
	}
	return nil
}

// firstCredentials are of the account that the directory belongs to, if it has been in use.
func firstCredentials(tx *store.Tx, data string) (credentials, error) {
	first, err := tx.FirstKey()
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return credentials{}, err
	}
	c, err := newCredentials(first.Account)
	if err != nil {
		return c, err
	}
	return c, writeCredentials(data, c)
}

// put writes a key, sealed, with what else its row says.
func (k *keys) put(tx *store.Tx, c credentials, row store.Key) error {
	sealed, err := k.ring.Seal([]byte(c.SecretAccessKey))
	if err != nil {
		return err
	}
	row.ID, row.Account, row.Secret, row.Created = c.AccessKeyID, c.Account, sealed, time.Now()
	return tx.PutKey(row)
}

// find is awsjson.Config.Key. It reads the store at most once a second for a key that is in use.
func (k *keys) find(ctx context.Context, id string) (awsjson.Key, bool, error) {
	k.mu.Lock()
	known, ok := k.known[id]
	k.mu.Unlock()
	if ok && time.Since(known.read) < keyLife {
		return known.Key, true, nil
	}
	known.read = time.Now() // before the look, which may take a while
	key, ok, err := k.read(ctx, id)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil || !ok {
		delete(k.known, id)
		return awsjson.Key{}, false, err
	}
	known.Key = key
	k.known[id] = known
	return key, true, nil
}

func (k *keys) read(ctx context.Context, id string) (awsjson.Key, bool, error) {
	var row store.Key
	err := k.store.View(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.Key(id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && !row.Usable() {
		return awsjson.Key{}, false, nil
	}
	if err != nil {
		return awsjson.Key{}, false, err
	}
	secret, err := k.ring.Unseal(row.Secret)
	if err != nil {
		return awsjson.Key{}, false, fmt.Errorf("open access key %s: %w", id, err)
	}
	return awsjson.Key{Secret: string(secret), Account: row.Account, ReadOnly: row.ReadOnly}, true, nil
}

// login tells whose a user name and password are, as a registry client sends them: an access key and its secret.
func (k *keys) login(ctx context.Context, user, password string) (image.Access, bool, error) {
	key, known, err := k.find(ctx, user)
	right := subtle.ConstantTimeCompare([]byte(password), []byte(key.Secret)) == 1
	return image.Access{Account: key.Account, ReadOnly: key.ReadOnly}, known && right, err
}

// isAccount says whether an account has or had a key here.
func (k *keys) isAccount(ctx context.Context, account string) (found bool, err error) {
	err = k.store.View(ctx, func(tx *store.Tx) (err error) {
		found, err = tx.HasAccount(account)
		return err
	})
	return found, err
}
