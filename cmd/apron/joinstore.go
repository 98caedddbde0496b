package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"apron/store"
)

// joinStore opens the data directory's database for a command, beside a server that may run on it. A schema of another
// version is brought up to date only while no server runs: it would find its tables changed under it.
func joinStore(ctx context.Context, data string) (*store.Store, error) {
	path := filepath.Join(data, storeFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no apron has served from %s yet; start one with `apron serve --data %s`, or name its directory with --data", data, data)
	} else if err != nil {
		return nil, fmt.Errorf("open data directory: %w; %s", err, dataRemedy(err))
	}
	st, err := store.Join(ctx, path)
	other, ok := errors.AsType[*store.SchemaError](err)
	switch {
	case !ok:
		return st, err
	case other.Newer():
		return nil, fmt.Errorf("open store: %w; a newer version of apron has used %s, take that one's program", other, data)
	}
	return migrateStore(ctx, data, path, other)
}

func migrateStore(ctx context.Context, data, path string, other *store.SchemaError) (*store.Store, error) {
	dir, err := openData(data)
	if _, inUse := errors.AsType[errInUse](err); inUse {
		return nil, fmt.Errorf("open store: %w; a server of an older version holds %s: use its program, or stop it and start this one. If it has only just started, try again", other, data)
	}
	if err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, path)
	return st, errors.Join(err, dir.Close())
}
