// Package awsjson is the wire, from both ends: awsJson1_0 requests of the App Runner API and of the actions that apron adds.
// Its Server verifies their signatures, decodes them, calls the handler of the action, and writes answers and exceptions as
// AWS clients expect them; cmd/apron mounts it at the root of the API port with the handlers of package control. Its Client
// sends them for the command line and fails as the AWS CLI does. The server must never decide what an action means, keep
// state between requests, or let a secret, a body or an internal error's text out.
package awsjson

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"apron/api"
)

// Handler answers one action. body is the request's JSON, which the handler decodes; the answer is encoded as JSON. The
// context ends with the request. Errors reach the client as errors.go says.
type Handler func(ctx context.Context, caller api.Caller, body []byte) (any, error)

// Handle makes a Handler of a function on the action's types. The input has passed every constraint of the model. The
// function must return an output or an error.
func Handle[In, Out any](f func(context.Context, api.Caller, *In) (*Out, error)) Handler {
	return func(ctx context.Context, caller api.Caller, body []byte) (any, error) {
		in := new(In)
		if err := api.Decode(body, in); err != nil {
			return nil, err
		}
		out, err := f(ctx, caller, in)
		if err != nil {
			return nil, err
		}
		if out == nil {
			return nil, fmt.Errorf("the handler of %T returned neither output nor error", in)
		}
		return out, nil
	}
}

// Config is what a Server needs.
type Config struct {
	Log     *slog.Logger
	Actions map[string]Handler // by action name, such as PauseService

	// Key finds an access key; known is false when there is none, or one that was revoked. It is called for every signed
	// request, from many goroutines. An error is ours: the client is told to try again.
	Key func(ctx context.Context, accessKeyID string) (key Key, known bool, err error)

	// AllowAnonymous answers requests whose signature is missing or wrong as AnonymousAccount's, in the region that
	// they name or else AnonymousRegion. It is for a listener that only this machine can reach.
	AllowAnonymous   bool
	AnonymousAccount string
	AnonymousRegion  string
}

// Key is what signs for an account.
type Key struct {
	Secret   string
	Account  string // 12 digits
	ReadOnly bool   // it may describe and list only
}

// Server answers POST /, greets those who GET /, and is safe for concurrent use. It gives a request's body and the
// answer half a minute each; the deadline for a request's head is its http.Server's.
type Server struct {
	config Config
	keys   signingKeys
}

// New returns a Server. It panics when an action's name is not in the model.
func New(config Config) *Server {
	for name := range config.Actions {
		if _, ok := api.LookupAction(name); !ok {
			panic("awsjson: the model has no action " + name)
		}
	}
	if config.AllowAnonymous && (config.AnonymousAccount == "" || config.AnonymousRegion == "") {
		panic("awsjson: AllowAnonymous needs an account and a region, or nobody can name what anonymous callers make")
	}
	return &Server{config: config}
}

// ServeHTTP answers one request and logs one line about it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := event{start: time.Now(), requestID: newRequestID()}
	w.Header().Set("X-Amzn-RequestId", e.requestID)
	limitBody(w)
	answer := greeting
	if !greets(r) {
		answer = s.respond(w, r, &e)
	}
	e.status = answer.status
	answer.write(w, r)
	e.log(r.Context(), s.config.Log)
}

// greeting is for people and load balancers. It is the same for everybody.
var greeting = reply{http.StatusOK, textType, []byte("apron: the App Runner API. Actions are POST / with X-Amz-Target: AppRunner.ACTION, " +
	"signed, as AWS clients send them; health is at /healthz.\n")}

func greets(r *http.Request) bool {
	return r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// respond returns the action's output, or what the client is told instead.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, e *event) reply {
	out, err := s.outcome(w, r, e)
	var body []byte
	if err == nil {
		body, err = json.Marshal(out)
	}
	if err == nil {
		return reply{http.StatusOK, jsonType, body}
	}
	refusal := refuse(err, e.action, e.requestID)
	e.errorType, e.cause = refusal.name, refusal.cause
	w.Header().Set("X-Amzn-ErrorType", refusal.name)
	if refusal.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", "GET, HEAD, POST")
	}
	return reply{refusal.status, jsonType, refusal.body()}
}

// outcome takes the request through its stations; the first error ends it.
func (s *Server) outcome(w http.ResponseWriter, r *http.Request, e *event) (any, error) {
	action, unknown := actionOf(r)
	e.action = action
	sent, err := readBody(w, r) // in any case: some clients miss an answer that comes while they send
	if err != nil {
		return nil, err
	}
	if unknown != nil {
		return nil, unknown
	}
	caller, err := s.caller(r, sent)
	if err != nil {
		return nil, err
	}
	caller.RequestID = e.requestID
	e.account = caller.Account
	if err := permit(caller, action); err != nil {
		return nil, err
	}
	body, err := unpack(r, sent)
	if err != nil {
		return nil, err
	}
	e.body = body
	handler := s.config.Actions[action.Name]
	if handler == nil {
		return nil, api.Internal("The action %s is not built into this version of apron yet. Run apron --help to see what is.", action.Name)
	}
	return call(r.Context(), handler, caller, body)
}

const targetPrefix = "AppRunner."

// actionOf finds the action that X-Amz-Target names.
func actionOf(r *http.Request) (api.Action, error) {
	target := r.Header.Get("X-Amz-Target")
	if r.URL.Path != "/" {
		return api.Action{}, unknownOperation("The App Runner API answers POST / alone, not %s %s.", cut(r.Method), cut(r.URL.Path))
	}
	if r.Method != http.MethodPost {
		return api.Action{}, methodNotAllowed("The App Runner API answers POST / alone, not %s /.", cut(r.Method))
	}
	if target == "" {
		return api.Action{}, unknownOperation("The request has no X-Amz-Target header, such as %sListServices. Use an AWS client.", targetPrefix)
	}
	action, known := api.LookupTarget(target)
	if !known {
		return api.Action{}, unknownOperation("X-Amz-Target names no action of App Runner: %s. Expected %sACTION, such as %sListServices.",
			cut(target), targetPrefix, targetPrefix)
	}
	return action, nil
}

// caller says who sent the request.
func (s *Server) caller(r *http.Request, sent []byte) (api.Caller, error) {
	caller, err := verify(r, sent, time.Now(), s.config.Key, &s.keys)
	if err == nil || !s.config.AllowAnonymous {
		return caller, err
	}
	// A page in a browser on this machine must not be able to act for its user.
	if r.Header.Get("Origin") != "" {
		return api.Caller{}, accessDenied("Requests from web pages must be signed. Sign it, or use the AWS CLI or an SDK.")
	}
	caller = api.Caller{Account: s.config.AnonymousAccount, Region: s.config.AnonymousRegion}
	if a, err := parseAuthorization(r.Header.Get("Authorization")); err == nil {
		caller.Region = a.region
	}
	return caller, nil
}

// permit refuses what a read-only key may not do.
func permit(caller api.Caller, action api.Action) error {
	if !caller.ReadOnly || action.ReadOnly() {
		return nil
	}
	return accessDenied("The access key %s is read-only and is not authorized to perform apprunner:%s. Use a key that may write.",
		caller.AccessKeyID, action.Name)
}

// call runs the handler and turns its panic into an error with the stack, which only the log shows.
func call(ctx context.Context, handler Handler, caller api.Caller, body []byte) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return handler(ctx, caller, body)
}

// newRequestID returns a random UUID, version 4.
func newRequestID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	digits := hex.AppendEncode(make([]byte, 0, 36), b[:])
	for _, at := range []int{8, 13, 18, 23} {
		digits = slices.Insert(digits, at, '-')
	}
	return string(digits)
}

// cut keeps what a client sent short enough to be repeated to it.
func cut(s string) string {
	if runes := []rune(s); len(runes) > 100 {
		return string(runes[:100]) + "…"
	}
	return s
}
