package source

import "fmt"

// Error is what the user can mend: its Reason names the cause and the next step, and holds no credential.
type Error struct {
	Reason string
	Cause  error // may be nil; for the log, not for the user
}

func (e *Error) Error() string { return e.Reason }
func (e *Error) Unwrap() error { return e.Cause }

func refuse(format string, args ...any) *Error { return &Error{Reason: fmt.Sprintf(format, args...)} }
