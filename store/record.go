package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// one reads the single record that query selects, or ErrNotFound.
func one[T any](tx *Tx, query string, args ...any) (T, error) {
	var record T
	var text []byte
	err := tx.sql.QueryRowContext(tx.ctx, query, args...).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return record, ErrNotFound
	}
	if err != nil {
		return record, fmt.Errorf("read record: %w", err)
	}
	return record, decode(text, &record)
}

// Row is a record and its place in the order of its list.
type Row[T any] struct {
	Seq    int64
	Record T
}

// all reads the (seq, record) rows that query selects.
func all[T any](tx *Tx, query string, args ...any) ([]Row[T], error) {
	return list(tx, func(rows *sql.Rows) (row Row[T], err error) {
		var text []byte
		if err := rows.Scan(&row.Seq, &text); err != nil {
			return row, err
		}
		return row, decode(text, &row.Record)
	}, query, args...)
}

// list reads the rows that query selects, each with scan.
func list[T any](tx *Tx, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.sql.QueryContext(tx.ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	defer rows.Close()
	var found []T
	for rows.Next() {
		if tx.until.Err() != nil {
			return nil, fmt.Errorf("list records: %w", context.Cause(tx.until))
		}
		row, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list records: %w", err)
		}
		found = append(found, row)
	}
	return found, rows.Err()
}

func decode(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("decode stored record: %w", err)
	}
	return nil
}

func encode(record any) (string, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return "", fmt.Errorf("encode record: %w", err)
	}
	return string(text), nil
}
