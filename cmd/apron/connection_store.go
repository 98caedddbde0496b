package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"apron/store"
)

// joinStore opens the data directory's database for a command, beside a server that may run on it. A database of another
// version's schema is migrated only when no server runs: it would find tables that it does not know.
func joinStore(ctx context.Context, data string) (*store.Store, error) {
	path := filepath.Join(data, "apron.db")
	st, err := store.Join(ctx, path)
	schema, ok := errors.AsType[*store.SchemaError](err)
	switch {
	case err == nil:
		return st, nil
	case !ok:
		return nil, fmt.Errorf("%w; %s", err, dataRemedy(err))
	case schema.Found == 0:
		return nil, fmt.Errorf("%s holds no database; name the server's directory with --data, or start one with `apron serve --data %s`", data, data)
	case schema.Newer():
		return nil, fmt.Errorf("%w; use the version of apron that serves from %s", err, data)
	}
	return migrateStore(ctx, data, path, schema)
}

func migrateStore(ctx context.Context, data, path string, schema *store.SchemaError) (*store.Store, error) {
	dir, err := openData(data)
	if _, inUse := errors.AsType[errInUse](err); inUse {
		return nil, fmt.Errorf("%w, while an older version serves from %s; start the server again with this version, or use that one", schema, data)
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return store.Open(ctx, path)
}
