package api

import (
	"encoding/json"
	"errors"
	"fmt"
)

// MalformedError says that a body is not JSON or not of the types that the model gives its members. The server
// answers it as SerializationException; it is no *Error, because the model has no exception for it.
type MalformedError struct {
	Path   string // such as tags.1.member.key; empty for the body itself
	Reason string // without any value of the body, which may be secret
}

func (e *MalformedError) Error() string {
	if e.Path == "" {
		return "the request body " + e.Reason
	}
	return fmt.Sprintf("the request body is not what the API expects at '%s': it %s", e.Path, e.Reason)
}

func malformed(at *path, format string, args ...any) *MalformedError {
	return &MalformedError{Path: at.String(), Reason: fmt.Sprintf(format, args...)}
}

// notJSON words the faults of encoding/json's scanner with the place where it stopped.
func notJSON(err error) *MalformedError {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return malformed(nil, "is not valid JSON: %s (byte %d)", syntax, syntax.Offset)
	}
	return malformed(nil, "is not valid JSON: %s", err)
}

// wrongType is a value of another JSON type than the model's.
func wrongType(at *path, want string, got json.Token) *MalformedError {
	return malformed(at, "must be %s, and is %s", want, tokenName(got))
}

func tokenName(token json.Token) string {
	switch token := token.(type) {
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	case json.Delim:
		if token == '[' {
			return "a list"
		}
		return "an object"
	}
	return "null"
}
