package store

import "fmt"

// Tag is a key and its value.
type Tag struct{ Key, Value string }

// Tags reads the tags of a resource by its ARN, in the order of their keys.
func (tx *Tx) Tags(arn string) ([]Tag, error) {
	rows, err := tx.sql.QueryContext(tx.ctx, `SELECT key, value FROM tags WHERE arn = ? ORDER BY key`, arn)
	if err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	defer rows.Close()
	var list []Tag
	for rows.Next() {
		var tag Tag
		if err := rows.Scan(&tag.Key, &tag.Value); err != nil {
			return nil, fmt.Errorf("list tags: %w", err)
		}
		list = append(list, tag)
	}
	return list, rows.Err()
}

// PutTag adds the tag or overwrites its value.
func (tx *Tx) PutTag(arn, key, value string) error {
	err := tx.exec(`INSERT INTO tags (arn, key, value) VALUES (?, ?, ?)
		ON CONFLICT (arn, key) DO UPDATE SET value = excluded.value`, arn, key, value)
	if err != nil {
		return fmt.Errorf("write tag: %w", err)
	}
	return nil
}

// DeleteTag removes the tag; one that is not there is no error.
func (tx *Tx) DeleteTag(arn, key string) error {
	if err := tx.exec(`DELETE FROM tags WHERE arn = ? AND key = ?`, arn, key); err != nil {
		return fmt.Errorf("delete tag: %w", err)
	}
	return nil
}
