package proxy

import (
	"cmp"
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
)

var errTimeout = errors.New("the request took longer than a request may")

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

// retryAfter is about what an instance takes to start, in seconds.
const retryAfter = 5

// statusClientGone is nginx's number, in use everywhere, for a client that did not wait. It is counted, never sent.
const statusClientGone = 499

// fail answers for an instance that has not, and logs why.
func (x *exchange) fail(err error) {
	f := x.explain(err)
	x.report(f, err)
	if f.status == statusClientGone {
		x.status.Store(statusClientGone)
		panic(http.ErrAbortHandler) // returning would send an empty 200 to a client that still reads
	}
	h := x.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Request-Id", x.requestID)
	if f.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	if requestErr, _ := x.bodyErrs(); requestErr != nil || x.ctx.Err() != nil {
		h.Set("Connection", "close") // nobody knows where the next request begins, or cut has put deadlines on it
	}
	x.WriteHeader(f.status)
	_, _ = fmt.Fprintf(x.ResponseWriter, "%s (request id %s)\n", f.text, x.requestID) // the client may be gone by now
}

func (x *exchange) explain(err error) failure {
	requestErr, _ := x.bodyErrs()
	return trouble{err, context.Cause(x.ctx), requestErr, x.client.Err() != nil, x.limits}.explain()
}

// explain finds out whose failure it is: ours, the client's or the instance's.
func (t trouble) explain() failure {
	switch {
	case t.cause == errTimeout || t.err == errTimeout:
		return failure{504, fmt.Sprintf("upstream request timeout: no whole answer within %v", t.limits.RequestTimeout), "timeout", slog.LevelWarn, 0}
	case t.cause == errWithdrawn || t.cause == errDrained || t.err == errWithdrawn:
		return failure{503, "The service instance was stopped before it answered; send the request again", cmp.Or(t.cause, t.err).Error(), slog.LevelWarn, 0}
	case t.clientGone || isDisconnect(t.requestErr):
		return failure{statusClientGone, "", "client closed the connection", slog.LevelDebug, 0}
	case t.requestErr != nil:
		return failure{400, "The request body is malformed", "client sent a malformed body", slog.LevelDebug, 0}
	}
	if f, refused := t.explainRefusal(); refused {
		return f
	}
	reason := instanceReason(t.err)
	return failure{502, "The " + reason + "; see its application log", reason, slog.LevelWarn, 0}
}

// explainRefusal tells why no instance got the request.
func (t trouble) explainRefusal() (failure, bool) {
	text := ""
	status := http.StatusTooManyRequests
	switch t.err {
	case errNoInstance:
		status, text = http.StatusServiceUnavailable, "The service has no healthy instance at the moment; see its events log"
	case errScaling:
		status, text = http.StatusServiceUnavailable, "Too many requests wait while the service starts instances; send the request again later"
	case errQueueFull:
		text = fmt.Sprintf("All %d instances are at their MaxConcurrency of %d and %d requests wait; send the request again later, or raise MaxSize or MaxConcurrency", t.limits.MaxInstances, t.limits.Concurrency, t.limits.Queue)
	case errQueueTime:
		text = fmt.Sprintf("All %d instances were at their MaxConcurrency of %d for %v; send the request again later, or raise MaxSize or MaxConcurrency", t.limits.MaxInstances, t.limits.Concurrency, t.limits.QueueTime)
	}
	return failure{status, text, t.err.Error(), slog.LevelWarn, retryAfter}, text != ""
}

func isDisconnect(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// instanceReason says in a line what the instance did. net/http has no types for the errors that are told by text.
func instanceReason(err error) string {
	_, unreached := errors.AsType[*dialError](err)
	text := err.Error()
	switch {
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
	f := failure{reason: "instance closed the connection in the middle of its answer", level: slog.LevelWarn}
	switch cause := context.Cause(x.ctx); {
	case cause == errTimeout:
		f.reason = "timeout in the middle of the answer"
	case cause == errWithdrawn || cause == errDrained:
		f.reason = cause.Error()
	case x.client.Err() != nil || responseErr == nil:
		f = failure{reason: "client closed the connection", level: slog.LevelDebug}
		x.status.Store(statusClientGone)
	}
	x.report(f, responseErr)
}

func (x *exchange) report(f failure, err error) {
	x.proxy.log.LogAttrs(context.WithoutCancel(x.ctx), f.level, "request failed",
		slog.String("reason", f.reason),
		slog.String("service", x.service.name),
		slog.String("instance_id", x.lastID()),
		slog.String("request_id", x.requestID),
		slog.Int("status", int(max(int32(f.status), x.status.Load()))),
		slog.Any("error", err))
}
