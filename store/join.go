package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pressly/goose/v3"
)

// SchemaError says that a database is not of the form that this program writes.
type SchemaError struct {
	Found int64 // number of its last migration; 0 if it was never opened
	Want  int64 // that of this program's last
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("the database has schema %d, and this program writes schema %d", e.Found, e.Want)
}

// Newer says whether a newer program has written the database.
func (e *SchemaError) Newer() bool { return e.Found > e.Want }

// Join opens the database file at path beside another process that may have it open, and leaves its schema alone. A
// *SchemaError says that it is another than this program's, or that there is no database yet.
func Join(ctx context.Context, path string) (*Store, error) {
	want, err := wantedSchema()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, &SchemaError{Want: want}
	} else if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return open(ctx, path, func(ctx context.Context, db *sql.DB) error {
		found, err := foundSchema(ctx, db)
		if err == nil && found != want {
			err = &SchemaError{Found: found, Want: want}
		}
		return err
	})
}

// foundSchema reads goose's record itself: goose would make the table where it is missing.
func foundSchema(ctx context.Context, db *sql.DB) (found int64, err error) {
	var kept bool
	err = db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'goose_db_version')`).Scan(&kept)
	if err != nil || !kept {
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT ifnull(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&found)
	return found, err
}

// wantedSchema is the number of the last migration that this program has.
func wantedSchema() (want int64, err error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	for _, file := range files {
		number, err := goose.NumericComponent(file)
		if err != nil {
			return 0, err
		}
		want = max(want, number)
	}
	return want, err
}
