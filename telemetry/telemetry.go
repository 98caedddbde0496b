// Package telemetry keeps what is known of every request: a line in its service's access log, the figures that
// Prometheus reads, and a span for OpenTelemetry. proxy tells it of each request that has ended; cmd/apron says which
// services there are and serves the figures on the API's port. It must never slow or fail a request: what it cannot
// keep up with it drops, counts and tells.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"apron/proxy"
)

// Service is one service as lines, figures and spans name it.
type Service struct {
	ID, Name, Account, Region string
	AccessLog                 bool // whether lines are written
	Deleted                   bool // it is forgotten soon
}

// Config is what a Telemetry needs. All but Spans are required.
type Config struct {
	Log *slog.Logger

	// Services finds services by id and leaves out those it does not know. Run asks it, for those with requests, about
	// every two seconds, so that what it says of them is in force that soon.
	Services func(ctx context.Context, ids []string) (map[string]Service, error)

	// AccessLog opens the service's access log. What it returns gets whole lines; it is closed when no line has come
	// for a minute, and opened again for the next.
	AccessLog func(Service) (io.WriteCloser, error)

	Spans *Exporter // nil: no spans
}

// Telemetry takes the records of requests. Its methods may be called from many goroutines.
type Telemetry struct {
	cfg      Config
	services atomic.Pointer[map[string]*service] // by id; never changed in place
	bell     chan struct{}                       // rings when a buffer is half full
	retold   time.Time                           // when lost lines were told of last; Run's
	reviewed time.Time                           // when services without a log were looked at last; Run's

	meter meter // of Handler

	mu      sync.Mutex     // orders changes of services, and guards what follows
	unsaved []*service     // those with lines that no file has
	ended   map[ending]sum // operations and builds
}

// service is what is kept of one service.
type service struct {
	id     string
	known  Service   // as Services had it; Run's
	looked time.Time // when it had it; Run's

	mu     sync.Mutex // held for a microsecond
	counts counts
	lines  lines
}

// New returns a Telemetry; Run makes it write.
func New(cfg Config) *Telemetry {
	t := &Telemetry{cfg: cfg, bell: make(chan struct{}, 1), ended: map[ending]sum{}}
	t.services.Store(&map[string]*service{})
	return t
}

// Ended takes the record of a request. It does not block, allocates nothing but a span, and keeps nothing of the record. It is
// proxy.Config.Ended.
func (t *Telemetry) Ended(r *proxy.Record) {
	s := (*t.services.Load())[r.Service]
	if s == nil {
		s = t.meet(r.Service)
	}
	s.mu.Lock()
	s.counts.add(r)
	first, half := s.lines.add(r)
	s.mu.Unlock()
	if first {
		t.mu.Lock()
		t.unsaved = append(t.unsaved, s)
		t.mu.Unlock()
	}
	if half {
		ring(t.bell)
	}
	if t.cfg.Spans != nil {
		t.cfg.Spans.add(r)
	}
}

func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default: // it rings already
	}
}

// meet makes the service known. Its id is a copy: the record's strings are not ours.
func (t *Telemetry) meet(id string) *service {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := *t.services.Load()
	if s := old[id]; s != nil {
		return s
	}
	s := &service{id: strings.Clone(id)}
	next := maps.Clone(old)
	next[s.id] = s
	t.services.Store(&next)
	return s
}

// forget drops services for which gone says so.
func (t *Telemetry) forget(gone func(*service) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := maps.Clone(*t.services.Load())
	maps.DeleteFunc(next, func(_ string, s *service) bool { return gone(s) })
	t.services.Store(&next)
}

// Run writes lines within a second and sends spans, until ctx is done; then it writes what is left of the lines and
// gives the spans that are left a few seconds to be sent. What fails is logged; it returns nil.
func (t *Telemetry) Run(ctx context.Context) error {
	var group errgroup.Group
	group.Go(func() error { return t.writeLines(ctx) })
	if t.cfg.Spans != nil {
		group.Go(func() error { return t.cfg.Spans.run(ctx, t.cfg.Log, t.cfg.Services) })
	}
	return group.Wait()
}
