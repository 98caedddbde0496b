// Package store keeps what must outlive the server: services, their operations and tags, in one SQLite database.
// control and operation read and change it in transactions; it must never decide what a change means, and it
// never calls anybody.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite", written in Go
)

// ErrNotFound says that no record has the key that was asked for.
var ErrNotFound = errors.New("no such record")

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database. Its methods may be called from many goroutines.
type Store struct {
	write *sql.DB // one connection: SQLite has one writer, and waiting here is cheaper than SQLITE_BUSY
	read  *sql.DB
}

// Open opens the database file at path, makes it when it is missing and brings its schema up to date.
//
// Every commit is on the disk when it returns (journal in WAL mode, synchronous=FULL): what a client was told
// survives power loss.
func Open(ctx context.Context, path string) (*Store, error) {
	return open(ctx, path, check, migrate)
}

func open(ctx context.Context, path string, prepare ...func(context.Context, *sql.DB) error) (*Store, error) {
	write, err := openPool(path, url.Values{"_txlock": {"immediate"}})
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	for _, step := range prepare {
		if err := step(ctx, write); err != nil {
			return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), write.Close())
		}
	}
	read, err := openPool(path, url.Values{"_pragma": {"query_only(ON)"}})
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxIdleConns(8)
	return &Store{write: write, read: read}, nil
}

func openPool(path string, q url.Values) (*sql.DB, error) {
	for _, pragma := range []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"} {
		q.Add("_pragma", pragma)
	}
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
}

// check finds a damaged file before anything is believed that stands in it.
func check(ctx context.Context, db *sql.DB) error {
	var found string
	err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found)
	if err == nil && found != "ok" {
		err = errors.New(found)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w; if it is damaged, put a backup in its place, or move it away with its -wal and -shm files to begin without services", err)
}

func migrate(ctx context.Context, db *sql.DB) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// Close ends the database in order. Transactions under way fail.
func (s *Store) Close() error {
	return errors.Join(s.read.Close(), s.write.Close())
}

// Tx is one transaction: all of its changes become durable together, or none does. It is good until the func it
// was given to returns, and for one goroutine.
type Tx struct {
	ctx context.Context // of the Update or View call that this transaction is part of
	sql *sql.Tx
}

// Update runs f in the one writing transaction. An error of f, returned as it is, undoes everything.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) error {
	return inTx(ctx, s.write, nil, f)
}

// View runs f on an unchanging view of the database, without waiting for writers.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error {
	return inTx(ctx, s.read, &sql.TxOptions{ReadOnly: true}, f)
}

func inTx(ctx context.Context, db *sql.DB, opts *sql.TxOptions, f func(*Tx) error) error {
	tx, err := db.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer tx.Rollback() // after a Commit this does nothing
	if err := f(&Tx{ctx: ctx, sql: tx}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}

func (tx *Tx) exec(query string, args ...any) error {
	_, err := tx.sql.ExecContext(tx.ctx, query, args...)
	return err
}
