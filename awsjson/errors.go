package awsjson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"apron/api"
)

// exception is a failure as the wire has it. It is an error, so that the stations before a handler return it as it is.
type exception struct {
	name     string // without namespace
	status   int
	modelled bool // one of the model's five, rather than one that every AWS service has
	message  string
	cause    error // for the log
}

func (e *exception) Error() string { return e.name + ": " + e.message }

// modelled are the App Runner model's exceptions; a missing resource is 400 like any other client error.
var modelled = map[api.Kind]exception{
	api.KindInternal:       {name: "InternalServiceErrorException", status: http.StatusInternalServerError},
	api.KindInvalidRequest: {name: "InvalidRequestException", status: http.StatusBadRequest},
	api.KindInvalidState:   {name: "InvalidStateException", status: http.StatusBadRequest},
	api.KindNotFound:       {name: "ResourceNotFoundException", status: http.StatusBadRequest},
	api.KindQuotaExceeded:  {name: "ServiceQuotaExceededException", status: http.StatusBadRequest},
}

// refuse turns any error into what the client is told.
func refuse(err error, action api.Action, requestID string) *exception {
	if e, ok := errors.AsType[*exception](err); ok {
		return e
	}
	if e, ok := errors.AsType[*api.Error](err); ok {
		return ofKind(declared(e.Kind, action), e.Message, errors.Unwrap(e))
	}
	if e, ok := errors.AsType[*api.MalformedError](err); ok {
		return &exception{name: "SerializationException", status: http.StatusBadRequest, message: capital(e.Error())}
	}
	if errors.Is(err, context.Canceled) {
		return aborted(err)
	}
	return ofKind(api.KindInternal, fmt.Sprintf("The request failed because of an error inside the server. Try again; "+
		"if it fails again, the server's log has the cause under request id %s.", requestID), err)
}

func ofKind(kind api.Kind, message string, cause error) *exception {
	e := modelled[kind]
	e.modelled, e.message, e.cause = true, message, cause
	return &e
}

// declared returns kind, or KindInvalidRequest when the model does not let the action fail with it: typed clients would
// not know it. StartDeployment in a wrong state and CreateService with an unknown configuration are such cases (App
// Runner API reference, sections 1 and 4.5).
func declared(kind api.Kind, action api.Action) api.Kind {
	if kind == api.KindInternal || slices.Contains(action.Errors, kind) {
		return kind
	}
	return api.KindInvalidRequest
}

// body is the answer's JSON. Clients strip the namespace; the member is Message where the model has it and message in
// what is common to AWS.
func (e *exception) body() []byte {
	var answer any = struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{"com.amazon.coral.service#" + e.name, e.message}
	if e.modelled {
		answer = struct {
			Type    string `json:"__type"`
			Message string `json:"Message"`
		}{"com.amazonaws.apprunner#" + e.name, e.message}
	}
	b, err := json.Marshal(answer)
	if err != nil {
		panic(err) // two strings always encode
	}
	return b
}

func capital(s string) string { return string(s[0]-'a'+'A') + s[1:] }

func unknownOperation(format string, args ...any) *exception {
	return common("UnknownOperationException", http.StatusNotFound, format, args)
}

func methodNotAllowed(format string, args ...any) *exception {
	return common("UnknownOperationException", http.StatusMethodNotAllowed, format, args)
}

func tooSlow(format string, args ...any) *exception {
	return common("RequestTimeoutException", http.StatusRequestTimeout, format, args)
}

func tooLarge(format string, args ...any) *exception {
	return common("RequestEntityTooLargeException", http.StatusRequestEntityTooLarge, format, args)
}

func malformedHTTP(format string, args ...any) *exception {
	return common("MalformedHttpRequestException", http.StatusBadRequest, format, args)
}

func accessDenied(format string, args ...any) *exception {
	return common("AccessDeniedException", http.StatusForbidden, format, args)
}

func missingToken(format string, args ...any) *exception {
	return common("MissingAuthenticationTokenException", http.StatusForbidden, format, args)
}

func incompleteSignature(format string, args ...any) *exception {
	return common("IncompleteSignatureException", http.StatusForbidden, format, args)
}

func unrecognizedClient(format string, args ...any) *exception {
	return common("UnrecognizedClientException", http.StatusForbidden, format, args)
}

func invalidSignature(format string, args ...any) *exception {
	return common("InvalidSignatureException", http.StatusForbidden, format, args)
}

// aborted is a request that its client gave up; nobody is likely to read the answer.
func aborted(err error) *exception {
	e := common("RequestAbortedException", http.StatusBadRequest, "The request ended before it could be answered. Send it again.", nil)
	e.cause = err
	return e
}

func common(name string, status int, format string, args []any) *exception {
	return &exception{name: name, status: status, message: fmt.Sprintf(format, args...)}
}
