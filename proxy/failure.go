package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var (
	errTimeout       = errors.New("the request took longer than a request may")
	errBodyLimit     = errors.New("the request's body is longer than the service takes")
	errBodyStalled   = errors.New("client stopped sending its body")
	errBadUpgrade    = errors.New("client asked for a protocol without a name")
	errAnswerStalled = errors.New("client stopped reading its answer")
)

// failure is how a request without a whole answer is told: to the client by status and text, to the log by reason.
type failure struct {
	status     int
	text       string
	reason     string
	level      slog.Level
	retryAfter int // seconds, for the header Retry-After; 0 for none
}

// trouble is what a carrier knows of a request that got no whole answer.
type trouble struct {
	err        error // what ended it
	cause      error // why it was cut from outside; nil when it was not
	requestErr error // why the client's body could not be read on
	clientGone bool
	limits     *Limits
}

// refusalsEvery is how far apart the log lines of a service are that refuses requests.
const refusalsEvery = 10 * time.Second

// retryAfter is about what an instance takes to start, in seconds.
const retryAfter = 5

// statusClientGone is nginx's number, in use everywhere, for a client that did not wait. It is counted, never sent.
const statusClientGone = 499

// fail answers for an instance that has not, and logs why.
func (x *exchange) fail(err error) {
	f := x.explain(err)
	x.reason = f.reason
	if f.status == http.StatusNotFound {
		answerUnknownHost(x)
		return
	}
	x.report(f, x.requestID, f.status, err)
	if f.status == statusClientGone {
		x.status.Store(statusClientGone)
		panic(http.ErrAbortHandler) // returning would send an empty 200 to a client that still reads
	}
	h := x.Header()
	h.Set("X-Request-Id", x.requestID)
	if x.grpc {
		x.failGRPC(f, err)
		return
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	if f.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	if requestErr, _ := x.bodyErrs(); !x.http2 && (requestErr != nil || x.ctx.Err() != nil || err == errBodyLimit) {
		h.Set("Connection", "close") // nobody knows where the next request begins, or cut has put deadlines on it
	}
	x.WriteHeader(f.status)
	_, _ = fmt.Fprintf(x, "%s (request id %s)\n", f.text, x.requestID) // the client may be gone by now
}

func (x *exchange) explain(err error) failure {
	requestErr, _ := x.bodyErrs()
	return trouble{err, context.Cause(x.ctx), requestErr, x.client.Err() != nil, x.limits}.explain()
}

// explain finds out whose failure it is: ours, the client's or the instance's.
func (t trouble) explain() failure {
	for _, explain := range []func() (failure, bool){t.explainEnd, t.explainClient, t.explainRefusal} {
		if f, found := explain(); found {
			return f
		}
	}
	reason := instanceReason(t.err)
	return failure{status: 502, text: "The " + reason + "; see its application log", reason: reason, level: slog.LevelWarn}
}

// explainEnd tells what was ended from here.
func (t trouble) explainEnd() (failure, bool) {
	f := failure{level: slog.LevelWarn}
	switch {
	case t.cause == errTimeout || t.err == errTimeout:
		f.status, f.reason = 504, "timeout"
		f.text = fmt.Sprintf("upstream request timeout: no whole answer within %v", t.limits.RequestTimeout)
	case t.cause == errWithdrawn || t.cause == errDrained:
		f.status, f.reason = 503, t.cause.Error()
		f.text = "The service instance was stopped before it answered; send the request again"
	case t.err == errWithdrawn: // it waited, and had it come a moment later, nobody would have known its host
		f.status, f.reason = http.StatusNotFound, errWithdrawn.Error()
	}
	return f, f.status != 0
}

// explainClient tells what the client did wrong.
func (t trouble) explainClient() (failure, bool) {
	f := failure{level: slog.LevelDebug}
	switch {
	case t.cause == errBodyStalled:
		f.status, f.text, f.reason = 408, "The request body stopped coming; send the request again", errBodyStalled.Error()
	case t.requestErr == errBodyLimit || t.err == errBodyLimit:
		f.status, f.reason = 413, errBodyLimit.Error()
		f.text = fmt.Sprintf("The request body is longer than the %d bytes that the service takes; "+
			"send less, or raise the service's tag apron:body-limit", t.limits.BodyLimit)
	case t.err == errBadUpgrade:
		f.status, f.text, f.reason = 400, "The Upgrade header is malformed", errBadUpgrade.Error()
	case t.clientGone || isDisconnect(t.requestErr):
		f.status, f.reason = statusClientGone, "client closed the connection"
	case t.requestErr != nil:
		f.status, f.text, f.reason = 400, "The request body is malformed", "client sent a malformed body"
	}
	return f, f.status != 0
}

// explainRefusal tells why no instance got the request.
func (t trouble) explainRefusal() (failure, bool) {
	if r, ok := errors.AsType[*refusal](t.err); ok {
		return r.failure(), true
	}
	f := failure{status: 503, reason: t.err.Error(), level: slog.LevelWarn, retryAfter: retryAfter}
	const mend = "send the request again later, or raise MaxSize or MaxConcurrency"
	switch l := t.limits; t.err {
	case errNoInstance:
		f.text = "The service has no healthy instance at the moment; see its events log"
	case errScaling:
		f.text = "Too many requests wait while the service starts instances; send the request again later"
	case errQueueFull:
		f.status = 429
		f.text = fmt.Sprintf("All %d instances are at their MaxConcurrency of %d and %d requests wait; "+mend, l.MaxInstances, l.Concurrency, l.Queue)
	case errQueueTime:
		f.status = 429
		f.text = fmt.Sprintf("All %d instances were at their MaxConcurrency of %d for %v; "+mend, l.MaxInstances, l.Concurrency, l.QueueTime)
	}
	return f, f.text != ""
}

func isDisconnect(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// instanceReason says in a line what the instance did. net/http has no types for the errors that are told by text.
func instanceReason(err error) string {
	_, unreached := errors.AsType[*dialError](err)
	_, reset := errors.AsType[streamError](err)
	text := err.Error()
	switch {
	case reset:
		return "instance reset the stream before it answered"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "instance refused the connection: nothing listens on the service's port"
	case unreached:
		return "instance could not be connected to"
	case strings.Contains(text, "malformed"), strings.Contains(text, "server response headers exceeded"):
		return "instance sent a malformed answer"
	case strings.Contains(text, "switch protocol"), strings.Contains(text, "switching protocols"):
		return "instance switched to a protocol that was not asked for"
	}
	return "instance closed the connection before it answered"
}

// reportBroken logs an answer that broke off after its headers were sent, when no status can tell the client any
// more: its connection is closed instead.
func (x *exchange) reportBroken() {
	if x.status.Load() == statusClientGone {
		return // fail has told it
	}
	_, responseErr := x.bodyErrs()
	f := x.explainBroken(responseErr)
	x.reason = f.reason
	x.report(f, x.requestID, int(x.status.Load()), responseErr)
}

func (x *exchange) explainBroken(responseErr error) failure {
	switch cause := context.Cause(x.ctx); {
	case cause == errTimeout:
		return failure{reason: "timeout in the middle of the answer", level: slog.LevelWarn}
	case cause == errWithdrawn || cause == errDrained:
		return failure{reason: cause.Error(), level: slog.LevelWarn}
	case cause == errAnswerStalled:
		return failure{reason: cause.Error(), level: slog.LevelDebug}
	case x.client.Err() != nil || responseErr == nil:
		x.status.Store(statusClientGone)
		return failure{reason: "client closed the connection", level: slog.LevelDebug}
	}
	return failure{reason: "instance closed the connection in the middle of its answer", level: slog.LevelWarn}
}

// report logs a request that failed. Refusals of a service that is overloaded come by the thousand, so of them there is
// one line in ten seconds, with their number.
func (f *flight) report(fail failure, requestID string, status int, err error) {
	refused := 0
	if fail.retryAfter > 0 {
		if refused = f.service.refusals(); refused == 0 {
			return
		}
	}
	attrs := []slog.Attr{
		slog.String("reason", fail.reason),
		slog.String("service", f.service.name),
		slog.String("instance_id", f.lastID()),
		slog.String("request_id", requestID),
		slog.Int("status", status),
		slog.Any("error", err),
	}
	if refused > 1 {
		attrs = append(attrs, slog.Int("requests", refused))
	}
	f.proxy.log.LogAttrs(context.Background(), fail.level, "request failed", attrs...)
}

// refusals counts a refused request and returns how many a log line has to tell of now: 0 for no line.
func (s *service) refusals() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused++
	if time.Since(s.refusedSaid) < refusalsEvery {
		return 0
	}
	n := s.refused
	s.refused, s.refusedSaid = 0, time.Now()
	return n
}
