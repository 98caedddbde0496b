package store

import (
	"fmt"

	"apron/api"
)

// Cancellation is the request to end an operation and take back what it did.
type Cancellation struct {
	AccessKeyID string        `json:"access_key_id"` // whose request; empty for an anonymous one
	RequestID   string        `json:"request_id"`
	At          api.Timestamp `json:"at"`
}

// CancelOperation notes the request, unless there was one before. Whoever runs the operation may write its record
// meanwhile: that leaves the note alone.
func (tx *Tx) CancelOperation(id string, c Cancellation) error {
	text, err := encode(c)
	if err != nil {
		return err
	}
	if err := tx.exec(`UPDATE operations SET cancelled = ? WHERE id = ? AND cancelled IS NULL`, text, id); err != nil {
		return fmt.Errorf("cancel operation %s: %w", id, err)
	}
	return nil
}

// Cancellation reads who asked for the operation to be cancelled. ErrNotFound if nobody has.
func (tx *Tx) Cancellation(id string) (Cancellation, error) {
	return one[Cancellation](tx, `SELECT cancelled FROM operations WHERE id = ? AND cancelled IS NOT NULL`, id)
}
