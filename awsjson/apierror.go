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
	MaxRetriesReached bool // it might have gone on otherwise
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

// ParseError is an answer of a form that no service sends. Message is what the AWS CLI says then, which is Python's.
type ParseError struct{ Message string }

func (e *ParseError) Error() string { return e.Message }

// parseReply returns the refusal that the reply is, or nil.
func parseReply(r *Reply, operation string) error {
	if r.Status < 300 {
		return nil
	}
	e := &APIError{Operation: operation, Status: r.Status, RequestID: r.Header.Get("X-Amzn-Requestid"), Header: r.Header, Body: r.Body}
	if generic(r) {
		e.Code, e.Message = strconv.Itoa(r.Status), http.StatusText(r.Status)
		return e
	}
	var body struct{ Type, Message *string }
	var raw struct {
		Type    *string `json:"__type"`
		Message *string
	}
	if err := json.Unmarshal(r.Body, &raw); err != nil && len(r.Body) > 0 {
		body.Message = new(string(r.Body))
	} else {
		body.Type, body.Message = raw.Type, raw.Message
	}
	e.Code = strconv.Itoa(r.Status)
	if body.Type != nil {
		e.Code = (*body.Type)[strings.LastIndexByte(*body.Type, '#')+1:]
	}
	if body.Message != nil {
		e.Message = *body.Message
	}
	return e
}

// generic reports whether the answer is that of a machine between client and service.
func generic(r *Reply) bool {
	body := strings.TrimSpace(string(r.Body))
	return r.Status >= 500 && (body == "" || strings.HasPrefix(body, "<html>"))
}
