package wait

import (
	"context"

	"apron/api"
)

// Operation waits until the operation has ended, and returns it. An *Error says that it ended otherwise than well.
func (w Wait) Operation(ctx context.Context, arn, id string) (*api.Operation, error) {
	const waiter = "OperationSucceeded"
	var seen Progress
	err := w.until(ctx, &seen, func(ctx context.Context) (done bool, err error) {
		op, err := w.Source.Operation(ctx, arn, id)
		if err != nil {
			return false, err
		}
		if op == nil {
			return false, &Error{Waiter: waiter, Outcome: Failed, Reason: "The service has no operation " + id}
		}
		seen.Operation = op
		return Ended(op), nil
	})
	if err == nil && outcome(seen.Operation) != Succeeded {
		return seen.Operation, failed(waiter, seen.Operation)
	}
	return seen.Operation, ended(waiter, seen.Operation, err)
}

// Ended reports whether the operation has come to its end, good or bad.
func Ended(op *api.Operation) bool {
	switch op.Status {
	case api.OperationSucceeded, api.OperationFailed, api.OperationRollbackSucceeded, api.OperationRollbackFailed:
		return true
	}
	return false
}

// Outcome is how a wait or an operation has ended.
type Outcome int

// The outcomes.
const (
	Succeeded  Outcome = iota
	Failed             // and what was to be changed may be in pieces
	RolledBack         // it failed, and the version before serves as if nothing had happened
	TimedOut           // it has not ended
)

// outcome tells an ended operation's. A deployment that fails is shown as FAILED by App Runner and leaves the version before
// in place like an update, which is shown as rolled back.
func outcome(op *api.Operation) Outcome {
	switch status := op.Status; {
	case status == api.OperationSucceeded:
		return Succeeded
	case status == api.OperationRollbackSucceeded,
		status == api.OperationFailed && op.Type == api.OperationStartDeployment:
		return RolledBack
	}
	return Failed
}
