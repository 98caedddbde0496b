package api

import "fmt"

// Kind is one of the five exceptions that App Runner's model declares. It says whose fault a failure is and
// what a client may do about it; the wire name and HTTP status of each live in awsjson.
type Kind int

const (
	KindInternal       Kind = iota // InternalServiceErrorException
	KindInvalidRequest             // InvalidRequestException
	KindInvalidState               // InvalidStateException
	KindNotFound                   // ResourceNotFoundException
	KindQuotaExceeded              // ServiceQuotaExceededException
)

// Error is a failure that a client is told about. Message is for the client and names the cause and the next
// step; the cause, if any, is for the operator's log and never leaves the server.
type Error struct {
	Kind    Kind
	Message string
	cause   error
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause, which may be nil.
func (e *Error) Unwrap() error { return e.cause }

// WithCause returns a copy of e that carries err for the operator's log.
func (e *Error) WithCause(err error) *Error {
	c := *e
	c.cause = err
	return &c
}

// Internal is a failure of ours that the client may be told about in these words.
func Internal(format string, args ...any) *Error { return newError(KindInternal, format, args) }

// InvalidRequest says that the request itself is at fault, whatever the state of the resource.
func InvalidRequest(format string, args ...any) *Error {
	return newError(KindInvalidRequest, format, args)
}

// InvalidState says that the resource is not in a state that allows the action.
func InvalidState(format string, args ...any) *Error { return newError(KindInvalidState, format, args) }

// NotFound says that a well-formed name resolves to nothing.
func NotFound(format string, args ...any) *Error { return newError(KindNotFound, format, args) }

// QuotaExceeded says that the account's limit for this kind of resource is reached.
func QuotaExceeded(format string, args ...any) *Error {
	return newError(KindQuotaExceeded, format, args)
}

// maxMessage is the model's limit on an exception's Message, in characters.
const maxMessage = 600

func newError(kind Kind, format string, args []any) *Error {
	msg := []rune(fmt.Sprintf(format, args...))
	if len(msg) > maxMessage {
		msg = append(msg[:maxMessage-1], '…')
	}
	return &Error{Kind: kind, Message: string(msg)}
}
