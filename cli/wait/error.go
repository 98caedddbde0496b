package wait

import (
	"errors"
	"fmt"

	"apron/api"
	"apron/awsjson"
)

// Error says that a wait ended without what was waited for. Its text has the form of the AWS CLI's.
type Error struct {
	Waiter    string // such as ServicePaused
	Outcome   Outcome
	Reason    string
	Operation *api.Operation // the one that decided, or that was under way; nil when none is known
	cause     error
}

func (e *Error) Error() string { return "Waiter " + e.Waiter + " failed: " + e.Reason }

// Unwrap returns the error of the last question, if that was it.
func (e *Error) Unwrap() error { return e.cause }

// failed is the end of an operation that did not succeed.
func failed(waiter string, op *api.Operation) *Error {
	reason := terminal("Operation.Status", string(op.Status))
	if why := deref(op.Reason); why != "" {
		reason += ": " + why
	}
	return &Error{Waiter: waiter, Outcome: outcome(op), Operation: op, Reason: reason}
}

// terminal is what AWS's waiters say of a state that nothing good comes after.
func terminal(path, value string) string {
	return fmt.Sprintf("Waiter encountered a terminal failure state: For expression %q we matched expected path: %q", path, value)
}

// ended turns the end of the loop into what the caller is told. A context that was cancelled stays the error that it is,
// and so does an endpoint that cannot be reached: neither has anything to do with what was waited for.
func ended(waiter string, op *api.Operation, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, errTimeout) {
		return &Error{Waiter: waiter, Outcome: TimedOut, Operation: op, Reason: "Max attempts exceeded"}
	}
	if refused, ok := errors.AsType[*awsjson.APIError](err); ok {
		return &Error{Waiter: waiter, Outcome: Failed, Operation: op, cause: err,
			Reason: fmt.Sprintf("An error occurred (%s): %s", refused.Code, refused.Message)}
	}
	return err
}

func isNotFound(err error) bool {
	refused, ok := errors.AsType[*awsjson.APIError](err)
	return ok && refused.Code == "ResourceNotFoundException"
}

// Passing tells errors that may be gone at the next try: the server did not answer, or was not able to.
func Passing(err error) bool {
	if _, decided := errors.AsType[*Error](err); decided {
		return false
	}
	refused, answered := errors.AsType[*awsjson.APIError](err)
	return !answered || refused.Status >= 500 || refused.Code == "ThrottlingException"
}
