package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Key is an access key. Revoked keys stay: they are not to come back by being imported again.
type Key struct {
	ID       string
	Account  string // 12 digits
	Name     string // what its maker calls it; may be empty
	Secret   []byte // sealed by the data directory's key ring
	ReadOnly bool
	Created  time.Time // to the millisecond, as Revoked
	Revoked  time.Time // zero while the key may be used
}

// Usable says whether requests may be signed with the key.
func (k Key) Usable() bool { return k.Revoked.IsZero() }

// PutKey writes a key, or a new secret of one that is there. Nothing else of a key changes; RevokeKey ends it.
func (tx *Tx) PutKey(k Key) error {
	err := tx.exec(`INSERT INTO keys (id, account, name, secret, read_only, created) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET secret = excluded.secret`,
		k.ID, k.Account, k.Name, k.Secret, k.ReadOnly, k.Created.UnixMilli())
	if err != nil {
		return fmt.Errorf("write access key %s: %w", k.ID, err)
	}
	return nil
}

// RevokeKey ends the use of a key; one that is revoked already keeps the time when it was.
func (tx *Tx) RevokeKey(id string, at time.Time) error {
	if err := tx.exec(`UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL`, at.UnixMilli(), id); err != nil {
		return fmt.Errorf("revoke access key %s: %w", id, err)
	}
	return nil
}

const keyColumns = `SELECT id, account, name, secret, read_only, created, revoked FROM keys `

// Key reads a key by its id, revoked ones included. ErrNotFound if there is none.
func (tx *Tx) Key(id string) (Key, error) {
	return tx.oneKey(keyColumns+`WHERE id = ?`, id)
}

// FirstKey reads the oldest key of all, revoked or not. ErrNotFound while there are none.
func (tx *Tx) FirstKey() (Key, error) {
	return tx.oneKey(keyColumns + `ORDER BY seq LIMIT 1`)
}

func (tx *Tx) oneKey(query string, args ...any) (Key, error) {
	k, err := scanKey(tx.sql.QueryRowContext(tx.ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return k, ErrNotFound
	}
	if err != nil {
		return k, fmt.Errorf("read access key: %w", err)
	}
	return k, nil
}

// Keys lists the keys of an account, or of all for an empty one, revoked ones included, oldest first.
func (tx *Tx) Keys(account string) ([]Key, error) {
	rows, err := tx.sql.QueryContext(tx.ctx, keyColumns+`WHERE ?1 = '' OR account = ?1 ORDER BY seq`, account)
	if err != nil {
		return nil, fmt.Errorf("list access keys: %w", err)
	}
	defer rows.Close()
	var list []Key
	for rows.Next() {
		k, err := scanKey(rows)
		if err != nil {
			return nil, fmt.Errorf("list access keys: %w", err)
		}
		list = append(list, k)
	}
	return list, rows.Err()
}

func scanKey(row interface{ Scan(...any) error }) (k Key, err error) {
	var created int64
	var revoked sql.NullInt64
	err = row.Scan(&k.ID, &k.Account, &k.Name, &k.Secret, &k.ReadOnly, &created, &revoked)
	k.Created = time.UnixMilli(created)
	if revoked.Valid {
		k.Revoked = time.UnixMilli(revoked.Int64)
	}
	return k, err
}

// HasAccount says whether any key, usable or not, is of the account.
func (tx *Tx) HasAccount(account string) (found bool, err error) {
	err = tx.scalar(&found, `SELECT EXISTS (SELECT 1 FROM keys WHERE account = ?)`, account)
	return found, err
}
