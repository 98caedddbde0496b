package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"apron/keyring"
	"apron/store"
)

// keyDir is a data directory's keys in the hands of a command, beside a server that may be running.
type keyDir struct {
	*keys
	data string
}

func openKeyDir(ctx context.Context, cfg *Config) (*keyDir, error) {
	if err := cfg.checkData(); err != nil {
		return nil, err
	}
	st, err := joinStore(ctx, cfg.Data)
	if err != nil {
		return nil, err
	}
	ring, err := keyring.Open(filepath.Join(cfg.Data, ringFile))
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	k, err := openKeys(ctx, st, ring, cfg.Data)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return &keyDir{keys: k, data: cfg.Data}, nil
}

// Close lets go of the directory.
func (d *keyDir) Close() error { return d.store.Close() }

// key reads one key, and names the way to the others when there is none of that id.
func (d *keyDir) key(tx *store.Tx, id string) (store.Key, error) {
	row, err := tx.Key(id)
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("there is no access key %.100q in %s; `apron key list` shows those there are", id, d.data)
	}
	return row, err
}

// credentialsOf opens a key that may be used; "" is the one in credentials.json.
func (d *keyDir) credentialsOf(ctx context.Context, id string) (credentials, error) {
	inFile, err := readCredentials(d.data)
	if id == "" {
		id = inFile.AccessKeyID
	}
	if id == "" {
		return inFile, err
	}
	var row store.Key
	err = d.store.View(ctx, func(tx *store.Tx) (err error) {
		row, err = d.key(tx, id)
		return err
	})
	if err != nil {
		return credentials{}, err
	}
	if !row.Usable() {
		return credentials{}, fmt.Errorf("the access key %s was revoked; `apron env --key ID` prints another one, of those that `apron key list` shows, and `apron key create` makes one", id)
	}
	secret, err := d.ring.Unseal(row.Secret)
	if err != nil {
		return credentials{}, fmt.Errorf("open access key %s: %w", id, err)
	}
	return credentials{Account: row.Account, AccessKeyID: id, SecretAccessKey: string(secret)}, nil
}
