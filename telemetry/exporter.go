package telemetry

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"apron/proxy"
)

const (
	spanQueue  = 4096 // spans that wait; more are lost
	spanBatch  = 512  // spans of one request to the collector
	spanPause  = time.Second
	spanPeriod = time.Minute // for which one batch is tried, and between two words of lost spans
	lastSpans  = 5 * time.Second
)

// ExporterConfig says where spans go. Endpoint and Sampler are required.
type ExporterConfig struct {
	Endpoint string            // URL that they are posted to, as http://localhost:4318/v1/traces
	Headers  map[string]string // of these requests, such as the collector's key
	Timeout  time.Duration     // of one request; default 10 s
	Sampler  Sampler
	Resource map[string]string // attributes of the server; service.name is "apron" unless it is among them
	Version  string            // of apron
}

// Exporter sends spans to a collector of OpenTelemetry: OTLP over HTTP, in protobuf. A collector that is slow or away
// costs spans, which are counted, and no request.
type Exporter struct {
	cfg   ExporterConfig
	queue chan *span

	sent, lost, refused atomic.Uint64 // spans: taken, not taken in time, not wanted by the collector

	// Of run alone:
	ending <-chan struct{}    // closed when the server ends: nothing is waited for any more
	known  map[string]Service // by id
	told   uint64             // of lost and refused
	toldAt time.Time
}

// NewExporter returns an Exporter; Telemetry's Run makes it send.
func NewExporter(cfg ExporterConfig) *Exporter {
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	resource := map[string]string{
		"service.name": "apron", "service.version": cfg.Version,
		"telemetry.sdk.name": "apron", "telemetry.sdk.language": "go",
	}
	maps.Copy(resource, cfg.Resource)
	cfg.Resource = resource
	return &Exporter{cfg: cfg, queue: make(chan *span, spanQueue), known: map[string]Service{}}
}

func (e *Exporter) outcomes() map[string]uint64 {
	return map[string]uint64{"sent": e.sent.Load(), "lost": e.lost.Load(), "refused": e.refused.Load(), "waiting": uint64(len(e.queue))}
}

// add queues the span of a request, if its trace is sampled.
func (e *Exporter) add(r *proxy.Record) {
	s, ok := newSpan(r)
	if !ok {
		return
	}
	select {
	case e.queue <- s:
	default:
		e.lost.Add(1)
	}
}

// run sends what is queued until ctx is done, and then what is left, for a few seconds and without trying anything again.
func (e *Exporter) run(ctx context.Context, log *slog.Logger, services servicesFunc) error {
	e.ending = ctx.Done()
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastSpans, cancel) })()
	tick := time.NewTicker(spanPause)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			e.flush(work, log, services)
		}
	}
	e.flush(work, log, services)
	return nil
}

type servicesFunc func(ctx context.Context, ids []string) (map[string]Service, error)

// flush sends batch after batch until the queue is empty.
func (e *Exporter) flush(ctx context.Context, log *slog.Logger, services servicesFunc) {
	for ctx.Err() == nil {
		batch := e.take()
		if len(batch) == 0 {
			return
		}
		e.learn(ctx, batch, services)
		err := e.deliver(ctx, batch)
		e.tell(log, err)
	}
}

func (e *Exporter) take() (batch []*span) {
	for len(batch) < spanBatch {
		select {
		case s := <-e.queue:
			batch = append(batch, s)
		default:
			return batch
		}
	}
	return batch
}

// learn finds out what the services are that it has not met. Names do not change; one that cannot be found goes without.
func (e *Exporter) learn(ctx context.Context, batch []*span, services servicesFunc) {
	unknown := map[string]bool{}
	for _, s := range batch {
		if _, ok := e.known[s.record.Service]; !ok {
			unknown[s.record.Service] = true
		}
	}
	if len(unknown) == 0 {
		return
	}
	if len(e.known) > 10_000 {
		clear(e.known)
	}
	if found, err := services(ctx, slices.Collect(maps.Keys(unknown))); err == nil {
		maps.Copy(e.known, found)
	}
}

// tell logs, once a minute, that spans were lost.
func (e *Exporter) tell(log *slog.Logger, err error) {
	lost := e.lost.Load() + e.refused.Load()
	if lost == e.told || time.Since(e.toldAt) < spanPeriod {
		return
	}
	log.Warn("spans did not reach the collector; see that it runs, and what its own log says", "spans", lost-e.told, "endpoint", e.cfg.Endpoint, "error", err)
	e.told, e.toldAt = lost, time.Now()
}
