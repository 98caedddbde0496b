package proxy

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// exchange is one request on its way: the client's side, the instance it was given to, and how it can be ended from
// outside. It is the http.ResponseWriter that httputil.ReverseProxy answers to.
type exchange struct {
	http.ResponseWriter
	flight
	client      context.Context // done when the client has gone
	ctx         context.Context // client's, and ended by cut
	requestID   string
	deadline    *time.Timer
	status      atomic.Int32 // final status sent to the client, 0 before
	switched    atomic.Bool  // the instance has answered 101
	http2       bool         // the client speaks it
	grpc        bool
	grpcTimeout string        // as the client says it; "" without one
	upgrades    bool          // the client asks for another protocol
	complete    bool          // the answer was written whole
	body        *requestBody  // nil without one
	firstByte   time.Duration // since the beginning; 0 before
	reason      string        // why it was failed
	unread      *time.Timer   // see Write
	rec         Record
	empty       bool  // the answer ended with its headers
	declared    int64 // Content-Length of the answer, -1 without one
	written     int64 // bytes of its body

	mu          sync.Mutex
	cancel      context.CancelCauseFunc
	conn        *upgradedConn // the client's, after an upgrade
	finished    bool          // the connection may serve another request: hands off
	requestErr  error         // why the client's body could not be read on
	responseErr error         // why the instance's body could not be read on
}

type exchangeKey struct{}

// exchangeOf returns the exchange that ctx belongs to.
func exchangeOf(ctx context.Context) *exchange {
	return ctx.Value(exchangeKey{}).(*exchange)
}

func newExchange(p *Proxy, w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{
		ResponseWriter: w,
		client:         r.Context(),
		requestID:      requestID(r),
		http2:          r.ProtoMajor == 2,
		grpc:           isGRPC(r),
		grpcTimeout:    r.Header.Get("Grpc-Timeout"),
		upgrades:       upgrades(r),
	}
	x.ctx, x.cancel = context.WithCancelCause(context.WithValue(r.Context(), exchangeKey{}, x))
	if r.Body != nil && r.Body != http.NoBody {
		x.body = &requestBody{Reader: r.Body, x: x, trailer: r.Trailer}
	}
	x.rec = p.newRecord(r, x.requestID)
	return x
}

// refusal says what is wrong with r by its head alone.
func (x *exchange) refusal(r *http.Request) error {
	if limit := x.limits.BodyLimit; limit > 0 && r.ContentLength > limit {
		return errBodyLimit
	}
	if strings.ContainsFunc(r.Header.Get("Upgrade"), func(c rune) bool { return c < ' ' || c > '~' }) {
		return errBadUpgrade
	}
	return nil
}

// Unwrap lets http.ResponseController reach Flush, Hijack and the deadlines of the server's own writer.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// WriteHeader notes the status. Without a Content-Type of the instance's it keeps net/http from guessing one.
func (x *exchange) WriteHeader(status int) {
	if status >= 200 {
		x.status.Store(int32(status))
		h := x.Header()
		if _, named := h["Content-Type"]; !named {
			h["Content-Type"] = nil
		}
		x.declared = contentLength(h)
	}
	x.ResponseWriter.WriteHeader(status)
}

func contentLength(h http.Header) int64 {
	n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// Write passes on a part of the answer, unless the client takes none of it for too long.
func (x *exchange) Write(p []byte) (int, error) {
	x.watch()
	n, err := x.ResponseWriter.Write(p)
	x.unread.Stop()
	x.written += int64(n)
	return n, err
}

// watch begins the time that the client has to take something.
func (x *exchange) watch() {
	if x.unread == nil {
		x.unread = time.AfterFunc(x.proxy.bodyIdle, func() { x.cut(errAnswerStalled) })
	} else {
		x.unread.Reset(x.proxy.bodyIdle)
	}
}

// FlushError flushes when that gets the client something sooner. httputil.ReverseProxy flushes after the headers and
// after each write. A whole answer leaves with the handler's return a moment later, and the headers of a short one
// with its first byte: two system calls less for most requests, about a fifth more requests a second. gRPC needs it so:
// headers with a status end their stream themselves, or they are not taken for trailers.
func (x *exchange) FlushError() error {
	whole := x.empty || x.declared >= 0 && x.written >= x.declared
	short := x.written == 0 && 0 < x.declared && x.declared <= int64(len(buffer{}))
	if whole || short {
		return nil
	}
	x.watch()
	defer x.unread.Stop()
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// upgrade takes the time limit off: an upgraded connection may live as long as both ends like.
func (x *exchange) upgrade() {
	x.deadline.Stop()
	x.switched.Store(true)
	x.status.Store(http.StatusSwitchingProtocols)
}

func (x *exchange) upgraded() bool { return x.switched.Load() }

// hopeless reports that a drain need not wait for x: it may never end.
func (x *exchange) hopeless() bool { return x.upgraded() }

// cut ends the exchange from outside, with a cause that the client is told if nothing was answered yet. Cancelling
// the context ends what the instance does; the deadlines end what a slow client blocks: a body that does not come
// or an answer that is not read.
func (x *exchange) cut(cause error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.finished {
		return
	}
	x.cancel(cause)
	if x.conn != nil {
		_ = x.conn.Close() // wakes a copier that writes to a client which does not read
		return
	}
	now := time.Now()
	rc := http.NewResponseController(x.ResponseWriter)
	_ = rc.SetReadDeadline(now) // a writer without deadlines has no slow client behind it
	if x.status.Load() == 0 {
		now = now.Add(time.Second) // for the text that says why
	}
	_ = rc.SetWriteDeadline(now)
}

// finish lets go of everything, counts, and reports an answer that broke off.
func (x *exchange) finish() {
	if !x.complete {
		x.reportBroken()
	}
	x.discard()
	x.fillRecord()
	x.end(&x.rec)
}

// discard ends the timer and the context, and keeps cut away from a connection that is no longer ours.
func (x *exchange) discard() {
	if x.deadline != nil {
		x.deadline.Stop()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.finished = true
	x.cancel(nil)
}

func (x *exchange) fillRecord() {
	r := &x.rec
	r.Status, r.Upgraded, r.FirstByte, r.Reason = int(x.status.Load()), x.upgraded(), x.firstByte, x.reason
	r.Sent += x.written
	if x.body != nil {
		r.Received += x.body.n.Load()
	}
	if x.conn != nil {
		r.Received += x.conn.received.Load()
		r.Sent += x.conn.sent.Load()
	}
}

func (x *exchange) noteRequestErr(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.requestErr == nil {
		x.requestErr = err
	}
}

func (x *exchange) bodyErrs() (request, response error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.requestErr, x.responseErr
}
