package awsjson

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// APIError is what a service says when it refuses an action.
type APIError struct {
	Code      string // such as ResourceNotFoundException
	Message   string
	Operation string
	Status    int
	RequestID string // empty if the answer has none
	Header    http.Header
	Body      []byte

	Retries           int  // attempts before the one that was answered so
	MaxRetriesReached bool // no further attempt was allowed, whether or not it would have been made
}

// ErrorCode is the exception's name without a namespace.
func (e *APIError) ErrorCode() string { return e.Code }

// ErrorMessage is the service's sentence, without what Error adds.
func (e *APIError) ErrorMessage() string { return e.Message }

func (e *APIError) Error() string {
	tried := ""
	if e.MaxRetriesReached {
		tried = fmt.Sprintf(" (reached max retries: %d)", e.Retries)
	}
	return fmt.Sprintf("An error occurred (%s) when calling the %s operation%s: %s", e.Code, e.Operation, tried, e.Message)
}

// ParseError is an answer of a form that no service sends. Its text is the AWS CLI's, which is Python's. Another attempt
// is never made.
type ParseError struct{ message string }

func (e *ParseError) Error() string { return e.message }

// parseReply returns the refusal that the reply is, nil if it is none, and a *ParseError if the AWS CLI cannot tell.
func parseReply(r *Reply, operation string) error {
	if r.Status > 300 && generic(r) {
		return r.refusal(operation, strconv.Itoa(r.Status), http.StatusText(r.Status))
	}
	if err := checkUTF8(r.Body); err != nil {
		return err
	}
	switch {
	case r.Status <= 300 && isNull(r.Body):
		return nullReply(r)
	case r.Status < 300:
		return nil
	case r.Status == 300: // the AWS CLI reads it as a success, and then sees that it is none
		return r.refusal(operation, "Unknown", "Unknown")
	}
	return parseRefusal(r, operation)
}

func (r *Reply) refusal(operation, code, message string) *APIError {
	return &APIError{
		Code: code, Message: message, Operation: operation,
		Status: r.Status, RequestID: r.Header.Get("X-Amzn-Requestid"), Header: r.Header, Body: r.Body,
	}
}

// pythonSpace is what Python takes for white space in bytes.
const pythonSpace = " \t\n\r\v\f"

// generic reports whether the answer is that of a machine between client and service.
func generic(r *Reply) bool {
	body := strings.Trim(string(r.Body), pythonSpace)
	return r.Status >= 500 && (body == "" || strings.HasPrefix(body, "<html>"))
}

func isNull(body []byte) bool { return strings.Trim(string(body), " \t\n\r") == "null" }

// nullReply is where the AWS CLI stumbles over a success that is null.
func nullReply(r *Reply) error {
	if r.Header.Get("X-Amzn-Requestid") != "" {
		return &ParseError{"'NoneType' object has no attribute 'setdefault'"}
	}
	if r.Status == 300 {
		return &ParseError{"'NoneType' object has no attribute 'get'"}
	}
	return &ParseError{"argument of type 'NoneType' is not iterable"}
}

// parseRefusal reads an exception. A body that is not JSON is the message.
func parseRefusal(r *Reply, operation string) error {
	var body any
	if len(r.Body) == 0 {
		body = map[string]json.RawMessage{}
	} else {
		body = readBodyOf(r.Body)
	}
	members, ok := body.(map[string]json.RawMessage)
	if !ok {
		return &ParseError{"'" + typeName(body) + "' object has no attribute 'get'"}
	}
	code, err := codeOf(r, members)
	if err != nil {
		return err
	}
	return r.refusal(operation, code, messageOf(members))
}

// readBodyOf returns the members of an object as they are written, and any other value as encoding/json has it.
func readBodyOf(body []byte) any {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) == nil && members != nil {
		return members
	}
	value, err := readValue(body)
	if err != nil {
		text, err := json.Marshal(string(body))
		if err != nil {
			panic(err) // a string always encodes
		}
		return map[string]json.RawMessage{"message": text}
	}
	return value
}

// messageOf is message, or else Message. Any value is shown as Python shows it.
func messageOf(members map[string]json.RawMessage) string {
	for _, name := range []string{"message", "Message"} {
		if raw, ok := members[name]; ok {
			return pythonText(raw)
		}
	}
	return ""
}

// codeOf is the code of the header that services have which once spoke another protocol, or else __type without its
// namespace, or else the status.
func codeOf(r *Reply, members map[string]json.RawMessage) (string, error) {
	compatible := strings.Split(strings.Join(r.Header.Values("X-Amzn-Query-Error"), ", "), ";")
	code := compatible[0]
	if len(compatible) != 2 || code == "" {
		raw, ok := members["__type"]
		if !ok {
			return strconv.Itoa(r.Status), nil
		}
		value, err := readValue(raw)
		if err != nil {
			return "", &ParseError{err.Error()}
		}
		switch value := value.(type) {
		case nil:
			return "", nil
		case string:
			code = value
		default:
			return "", badCode(value)
		}
	}
	return code[strings.LastIndexByte(code, '#')+1:], nil
}

// badCode is what Python says to a code that is no string.
func badCode(value any) error {
	switch value.(type) {
	case []any, map[string]any:
		return &ParseError{"unhashable type: '" + typeName(value) + "'"}
	}
	return &ParseError{"argument of type '" + typeName(value) + "' is not iterable"}
}
