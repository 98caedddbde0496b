package store

import (
	"fmt"
	"time"

	"apron/api"
)

// Operation is the durable record of work on a service: what clients are told of it, and how far it has come.
type Operation struct {
	Summary api.OperationSummary `json:"summary"`

	OnSuccess api.ServiceStatus `json:"on_success"` // the service's status once all steps are done
	OnFailure api.ServiceStatus `json:"on_failure"` // and once they are given up

	// RollsBack says that giving up is told to clients as ROLLBACK_*, not FAILED.
	RollsBack bool `json:"rolls_back,omitempty"`

	// Cause is what made it begin, where it was no request of the service's owner.
	Cause *Cause `json:"cause,omitempty"`

	// Target is the version that the operation brings up: a new one, or on resume the one deployed before.
	Target *Deployment `json:"target,omitempty"`
	// Previous is the version that had the traffic before Target got it, or before the service was deleted; nil if there
	// was none.
	Previous *Deployment `json:"previous,omitempty"`

	Done    []string `json:"done,omitempty"`    // names of finished steps, in order; undoing leaves them
	Times   []Time   `json:"times,omitempty"`   // how long steps took; one that was done after the record was last saved is missing
	Failure string   `json:"failure,omitempty"` // why the operation is being given up; empty while it goes forward
}

// Time is how long a step took, with all its tries.
type Time struct {
	Step   string        `json:"step"`
	Took   time.Duration `json:"took"`             // nanoseconds
	Phases []Phase       `json:"phases,omitempty"` // parts of it, in order; they need not add up to the whole
}

// Phase is how long a part of a step took.
type Phase struct {
	Name        string        `json:"name"`
	Took        time.Duration `json:"took"`                  // nanoseconds
	Application bool          `json:"application,omitempty"` // it is the application's own time, and none of the platform's
}

// Cause is a new version that a service deploys by itself.
type Cause struct {
	Trigger string `json:"trigger"` // as the deployment's log names it
	Version string `json:"version"` // the commit or digest that was seen
}

// PutOperation writes the record, new or changed.
func (tx *Tx) PutOperation(op Operation) error {
	text, err := encode(op)
	if err != nil {
		return err
	}
	var ended any
	if op.Summary.EndedAt != nil {
		ended = op.Summary.EndedAt.UnixMilli()
	}
	err = tx.exec(`INSERT INTO operations (id, arn, ended, record) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET ended = excluded.ended, record = excluded.record`,
		op.ID(), op.ServiceArn(), ended, text)
	if err != nil {
		return fmt.Errorf("write operation %s: %w", op.ID(), err)
	}
	return nil
}

// ID is the operation's id.
func (op Operation) ID() string { return *op.Summary.Id }

// ServiceArn is the ARN of the service that the operation works on.
func (op Operation) ServiceArn() string { return *op.Summary.TargetArn }

// Type says what is done to the service.
func (op Operation) Type() api.OperationType { return *op.Summary.Type }

// Operation reads an operation by id. ErrNotFound if there is none.
func (tx *Tx) Operation(id string) (Operation, error) {
	return one[Operation](tx, `SELECT record FROM operations WHERE id = ?`, id)
}

// Operations lists the service's operations, newest first, from the one after the given place in the list
// (0 = from the newest), at most limit of them (-1 = all).
func (tx *Tx) Operations(arn string, after int64, limit int) ([]Row[Operation], error) {
	return all[Operation](tx, `SELECT seq, record FROM operations
		WHERE arn = ?1 AND (?2 = 0 OR seq < ?2) ORDER BY seq DESC LIMIT ?3`, arn, after, limit)
}

// OpenOperation reads the operation of the service that has not ended. ErrNotFound if none is under way.
func (tx *Tx) OpenOperation(arn string) (Operation, error) {
	return one[Operation](tx, `SELECT record FROM operations WHERE arn = ? AND ended IS NULL ORDER BY seq LIMIT 1`, arn)
}

const openOperationsQuery = `SELECT seq, record FROM operations WHERE ended IS NULL ORDER BY seq`

// OpenOperations lists the operations of all services that have not ended, oldest first.
func (tx *Tx) OpenOperations() ([]Row[Operation], error) {
	return all[Operation](tx, openOperationsQuery)
}

// LastDeployment reads the newest of the service's operations that bring up a version. ErrNotFound if there is none.
func (tx *Tx) LastDeployment(arn string) (Operation, error) {
	return one[Operation](tx, `SELECT record FROM operations WHERE arn = ? AND json_extract(record, '$.summary.Type') IN (?, ?, ?)
		ORDER BY seq DESC LIMIT 1`, arn, api.OperationCreateService, api.OperationUpdateService, api.OperationStartDeployment)
}
