// Package proxy is the data plane: it takes a request for a service's host to one healthy instance of that service
// and streams both ways, and it drains, withdraws and counts. cmd/apron serves it on the edge port; fleet names the
// instances, operation opens and withdraws services, autoscale reads the counts. It must never start or stop an
// instance, nor know a service's status, configuration or storage.
package proxy

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Proxy needs. Log and Dial are required; the zero value of the rest means the default.
type Config struct {
	Log *slog.Logger

	// Dial opens a connection to the instance's port. It must return soon after ctx is done, which is after at
	// most five seconds; what it returns as an error counts as "nothing was sent".
	Dial func(ctx context.Context, instanceID string) (net.Conn, error)

	// RequestTimeout limits one request as a whole: waiting for an instance, reading the request with its body
	// and writing the answer. Default 120 s, as on App Runner. Upgraded connections are not limited.
	RequestTimeout time.Duration

	// InstanceWait is how long a request waits for a healthy instance when its open service has none, which
	// spans the restart of a lone instance. Default 5 s; after it the client gets 503.
	InstanceWait time.Duration

	// MaxIdlePerInstance is how many kept-alive connections to one instance are held. Default 100, App Runner's
	// default MaxConcurrency, so that a full instance reuses all of its connections.
	MaxIdlePerInstance int

	// TrustedProxies are the peers whose X-Forwarded-For and X-Forwarded-Proto are believed: load balancers in
	// front of this machine. Default none.
	TrustedProxies []netip.Prefix

	// BodyIdle is how long a body, a request's or an answer's, may stall without a byte. Default 60 s.
	BodyIdle time.Duration

	// HeaderBytes is how large the head of an HTTP/1.x request may be. Default 64 KiB.
	HeaderBytes int

	// HeaderTimeout is how long the head of an HTTP/1.x request may take to come. Default 30 s.
	HeaderTimeout time.Duration

	// KeepAlive is how long an HTTP/1.x connection may wait for its next request. Default 75 s.
	KeepAlive time.Duration

	// Demand is called when a request begins to wait for an instance: there is none, or all are full. It must not block.
	Demand func(service string)

	// Failed is called when an instance was ejected: it refused connections or broke requests off a few times in a
	// row, and gets none for a while. It must not block.
	Failed func(service, instanceID, reason string)

	// Ended is called at each request's end. The record and its strings are valid during the call only.
	Ended func(*Record)

	// Traceparent makes the traceparent header that the instance gets from the client's, "" when there is none or it
	// is malformed. Without it the header passes as it is.
	Traceparent func(incoming string) (outgoing string)
}

// Proxy is an http.Handler for every host of every service. All of its methods may be called from many goroutines.
type Proxy struct {
	log     *slog.Logger
	dial    func(context.Context, string) (net.Conn, error)
	timeout time.Duration
	wait    time.Duration
	maxIdle int
	trusted []netip.Prefix
	reverse *httputil.ReverseProxy

	bodyIdle time.Duration

	headerBytes   int
	headerTimeout time.Duration
	keepAlive     time.Duration
	exchanges     sync.Pool // of *exchange1
	loops         loops

	demand func(service string)
	failed func(service, instanceID, reason string)
	ended  func(*Record)
	trace  func(incoming string) (outgoing string)

	hosts atomic.Pointer[map[string]*service] // never changed in place

	follower atomic.Pointer[Follower] // makes each change too; nil when there is none
	followed atomic.Pointer[Loads]    // what it has in flight; see NoteLoads

	mu       sync.Mutex // orders the changes below; no request takes it
	services map[string]*service
	retired  map[string][]*instance // by id: unnamed by SetInstances, perhaps with requests in flight
}

// New returns a Proxy that knows no host yet. It starts nothing.
func New(cfg Config) *Proxy {
	p := &Proxy{
		log:           cfg.Log,
		dial:          cfg.Dial,
		timeout:       cmp.Or(cfg.RequestTimeout, 120*time.Second),
		wait:          cmp.Or(cfg.InstanceWait, 5*time.Second),
		maxIdle:       cmp.Or(cfg.MaxIdlePerInstance, 100),
		trusted:       cfg.TrustedProxies,
		bodyIdle:      cmp.Or(cfg.BodyIdle, time.Minute),
		headerBytes:   cmp.Or(cfg.HeaderBytes, 64<<10),
		headerTimeout: cmp.Or(cfg.HeaderTimeout, 30*time.Second),
		keepAlive:     cmp.Or(cfg.KeepAlive, 75*time.Second),
		demand:        cfg.Demand,
		failed:        cfg.Failed,
		ended:         cfg.Ended,
		trace:         cfg.Traceparent,
		services:      map[string]*service{},
		retired:       map[string][]*instance{},
	}
	p.hosts.Store(&map[string]*service{})
	p.reverse = p.newReverseProxy()
	p.exchanges.New = newExchange1
	return p
}

// ServeHTTP answers one request from an instance of the service that has the request's host.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	svc := p.lookup(r.Host)
	if svc == nil {
		answerNoService(w, r)
		return
	}
	if r.Method == http.MethodConnect {
		http.Error(w, "CONNECT is not served here; send the request itself", http.StatusMethodNotAllowed)
		return
	}
	if !wellFormedTarget(r) {
		http.Error(w, "The request target is malformed: it is a path and perhaps a query, without spaces and control characters", http.StatusBadRequest)
		return
	}
	p.serve(svc, w, r)
}

func (p *Proxy) serve(svc *service, w http.ResponseWriter, r *http.Request) {
	x := newExchange(p, w, r)
	if !p.begin(&x.flight, svc, x) {
		x.discard()
		answerUnknownHost(w)
		return
	}
	x.deadline = time.AfterFunc(x.limits.RequestTimeout, func() { x.cut(errTimeout) })
	defer x.finish()
	if err := x.refusal(r); err != nil {
		x.fail(err)
		x.complete = true
		return
	}
	if r.ContentLength != 0 {
		// Else net/http reads on in the body before it lets an answer begin, and an instance that answers while it
		// is still being sent to, as in an echo or a transcoder, would seem to hang. HTTP/2 needs no asking.
		_ = http.NewResponseController(w).EnableFullDuplex()
	}
	p.reverse.ServeHTTP(x, r.WithContext(x.ctx))
	x.complete = true
}

// answerNoService tells a host that nobody has from a text that is no host.
func answerNoService(w http.ResponseWriter, r *http.Request) {
	if !wellFormedHost(r.Host) {
		http.Error(w, "The Host header is malformed: it is a name, and perhaps a colon and a port", http.StatusBadRequest)
		return
	}
	answerUnknownHost(w)
}

// answerUnknownHost is what App Runner's router says for a host it has no route for, and so for a paused service: a
// bare 404 with an empty chunked body (App Runner API reference, request-route-404). Flushing before the handler
// returns is what makes net/http choose chunked.
func answerUnknownHost(w http.ResponseWriter) {
	w.Header()["Content-Type"] = nil
	w.WriteHeader(http.StatusNotFound)
	_ = http.NewResponseController(w).Flush() // an error is a client that has gone
}
