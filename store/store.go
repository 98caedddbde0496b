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
	"runtime"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite", written in Go
)

// ErrNotFound says that no record has the key that was asked for.
var ErrNotFound = errors.New("no such record")

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database. Its methods may be called from many goroutines.
type Store struct {
	write *pool // of one connection: SQLite has one writer, and waiting here is cheaper than SQLITE_BUSY
	read  *pool
}

// Open opens the database file at path, makes it when it is missing and brings its schema up to date.
//
// Every commit is on the disk when it returns (journal in WAL mode, synchronous=FULL): what a client was told
// survives power loss.
func Open(ctx context.Context, path string) (*Store, error) {
	return open(ctx, path, check, migrate)
}

func open(ctx context.Context, path string, prepare ...func(context.Context, *sql.DB) error) (*Store, error) {
	write, err := openDB(path, url.Values{})
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	for _, step := range prepare {
		if err := step(ctx, write); err != nil {
			return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), write.Close())
		}
	}
	read, err := openDB(path, url.Values{"_pragma": {"query_only(ON)"}})
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return &Store{write: newPool(write, "BEGIN IMMEDIATE", 1), read: newPool(read, "BEGIN", readers+runtime.GOMAXPROCS(0))}, nil
}

// readers is how many views there can be at once besides those that the CPUs work on: some wait, for the disk or for more
// rows than a page.
const readers = 4

func openDB(path string, q url.Values) (*sql.DB, error) {
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
	ctx   context.Context // for statements; it does not end
	until context.Context // of the Update or View call that this transaction is part of
	sql   *conn
	done  bool // it is committed
}

// Update runs f in the one writing transaction. An error of f, returned as it is, undoes everything. f must not call
// Update.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) error { return s.write.tx(ctx, f) }

// View runs f on an unchanging view of the database, without waiting for writers. f must not call View.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error { return s.read.tx(ctx, f) }

// Read is View for f that runs one statement: it saves two. Each statement sees what is committed when it begins.
func (s *Store) Read(ctx context.Context, f func(*Tx) error) error { return s.read.bare(ctx, f) }

func (tx *Tx) exec(query string, args ...any) error {
	_, err := tx.sql.ExecContext(tx.ctx, query, args...)
	return err
}
