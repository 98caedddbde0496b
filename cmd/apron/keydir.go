package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	if _, err := os.Stat(filepath.Join(cfg.Data, storeFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no apron has served from %s yet, so it has no keys; start one with `apron serve --data %s`, or name its directory with --data", cfg.Data, cfg.Data)
	} else if err != nil {
		return nil, fmt.Errorf("open data directory: %w; %s", err, dataRemedy(err))
	}
	ring, err := keyring.Open(filepath.Join(cfg.Data, ringFile))
	if err != nil {
		return nil, err
	}
	st, err := joinStore(ctx, cfg.Data)
	if err != nil {
		return nil, err
	}
	k, err := openKeys(ctx, st, ring, cfg.Data)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return &keyDir{keys: k, data: cfg.Data}, nil
}

// Close lets go of the directory.
func (d *keyDir) Close() error { return d.store.Close() }

// joinStore opens the store and brings its schema up to date only while no server runs: one of another version would
// find its tables changed under it.
func joinStore(ctx context.Context, data string) (*store.Store, error) {
	path := filepath.Join(data, storeFile)
	st, err := store.Join(ctx, path)
	other, ok := errors.AsType[*store.SchemaError](err)
	if !ok {
		return st, err
	}
	if other.Newer() {
		return nil, fmt.Errorf("open store: %w; a newer version of apron has used %s, take that one's program", other, data)
	}
	dir, err := openData(data)
	if _, inUse := errors.AsType[errInUse](err); inUse {
		return nil, fmt.Errorf("open store: %w; a server of an older version holds %s: use its program, or stop it and start this one. If it has only just started, try again", other, data)
	}
	if err != nil {
		return nil, err
	}
	st, err = store.Open(ctx, path)
	return st, errors.Join(err, dir.Close())
}

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
