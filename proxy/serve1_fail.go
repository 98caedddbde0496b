package proxy

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"apron/proxy/http1"
)

// fail answers for an instance that has not, and logs why.
func (x *exchange1) fail(err error) {
	s := x.peek()
	f := trouble{err, s.cause, s.requestErr, s.gone, x.limits}.explain()
	x.reason = f.reason
	if x.keep = x.keep && !s.ended() && s.bodyRead; f.status == http.StatusNotFound {
		x.answerUnknownHost()
		return
	}
	x.report(f, view(x.id[:x.idLen]), f.status, err)
	if f.status == statusClientGone {
		x.status, x.keep = f.status, false
		return
	}
	x.answerText(f.status, fmt.Sprintf("%s (request id %s)", f.text, x.id[:x.idLen]), f.retryAfter)
}

// reportBroken logs an answer that broke off after its head was sent.
func (x *exchange1) reportBroken(err error, byInstance bool) {
	f := failure{reason: "instance closed the connection in the middle of its answer", level: slog.LevelWarn}
	switch s := x.peek(); {
	case s.cause == errTimeout:
		f.reason = "timeout in the middle of the answer"
	case s.cause == errAnswerStalled:
		f = failure{reason: s.cause.Error(), level: slog.LevelDebug}
	case s.cause != nil:
		f.reason = s.cause.Error()
	case s.gone || s.requestErr != nil || !byInstance:
		f = failure{reason: "client closed the connection", level: slog.LevelDebug}
		x.status = statusClientGone
	}
	x.reason = f.reason
	x.report(f, view(x.id[:x.idLen]), x.status, err)
}

// refuse answers a request that can't be read as one, and ends the connection: where the next begins nobody knows.
func (x *exchange1) refuse(err error) {
	e, ok := errors.AsType[*http1.Error](err)
	if !ok {
		return
	}
	x.req.Minor, x.keep = 1, false
	x.answerText(e.Status, "The request is refused: "+e.Reason, 0)
	x.linger()
}

// answerText answers with a line of our own.
func (x *exchange1) answerText(status int, text string, retryAfter int) {
	b := append(x.out[:0], "HTTP/1.1 "...)
	b = append(append(strconv.AppendInt(b, int64(status), 10), ' '), http.StatusText(status)...)
	b = appendDate(append(b, "\r\nContent-Type: text/plain; charset=utf-8\r\n"...))
	if x.idLen > 0 {
		b = append(append(append(b, "X-Request-Id: "...), x.id[:x.idLen]...), "\r\n"...)
	}
	if retryAfter > 0 {
		b = append(strconv.AppendInt(append(b, "Retry-After: "...), int64(retryAfter), 10), "\r\n"...)
	}
	b = append(x.appendConnection(appendLength(b, int64(len(text)+1))), "\r\n"...)
	if !x.req.Is(x.in, "HEAD") {
		b = append(append(b, text...), '\n')
	}
	x.send(status, b)
}

// answerUnknownHost is what App Runner's router says for a host it has no route for, and so for a paused service: a
// bare 404 with an empty chunked body (App Runner API reference, request-route-404).
func (x *exchange1) answerUnknownHost() {
	b := appendDate(append(x.out[:0], "HTTP/1.1 404 Not Found\r\n"...))
	if x.req.Minor == 0 {
		x.keep = false
		x.send(404, append(b, "Connection: close\r\n\r\n"...))
		return
	}
	b = append(x.appendConnection(append(b, "Transfer-Encoding: chunked\r\n"...)), "\r\n"...)
	if !x.req.Is(x.in, "HEAD") {
		b = append(b, "0\r\n\r\n"...)
	}
	x.send(404, b)
	if !x.keep && !x.state.bodyRead {
		x.linger()
	}
}

// send writes an answer of our own.
func (x *exchange1) send(status int, b []byte) {
	x.mu.Lock()
	x.status, x.out, x.state.answered = status, b, true
	x.mu.Unlock()
	_, err := x.client.conn.Write(b)
	x.whole = err == nil
	x.keep = x.keep && x.whole
}
