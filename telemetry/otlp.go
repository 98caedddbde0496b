package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	firstBackoff = 500 * time.Millisecond
	longBackoff  = 15 * time.Second
	maxAnswer    = 64 << 10 // bytes that are read of a collector's answer
)

// semanticConventions is the version of OpenTelemetry's conventions that the attributes' names are of.
const semanticConventions = "https://opentelemetry.io/schemas/1.37.0"

// encode makes an opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest.
func (e *Exporter) encode(batch []*span) []byte {
	return message(nil).nested(1, func(m message) message { // ResourceSpans
		m = m.nested(1, func(m message) message { // Resource
			for _, key := range slices.Sorted(maps.Keys(e.cfg.Resource)) {
				m = m.keyValue(resourceAttributes, key, e.cfg.Resource[key])
			}
			return m
		})
		m = m.nested(2, func(m message) message { // ScopeSpans
			m = m.nested(1, func(m message) message { return m.text(1, "apron/proxy").text(2, e.cfg.Version) })
			for _, s := range batch {
				m = m.nested(2, func(m message) message { return s.append(m, e.known[s.record.Service]) })
			}
			return m
		})
		return m.text(3, semanticConventions)
	})
}

// deliver posts the batch, again and again while the collector seems to be away for the moment, for up to a minute or until
// the server ends.
func (e *Exporter) deliver(ctx context.Context, batch []*span) error {
	body := e.encode(batch)
	ctx, cancel := context.WithTimeout(ctx, spanPeriod)
	defer cancel()
	for pause := firstBackoff; ; pause = min(2*pause, longBackoff) {
		last := isClosed(e.ending)
		refused, wait, err := e.post(ctx, body)
		if err == nil {
			refused = min(refused, uint64(len(batch)))
			e.refused.Add(refused)
			e.sent.Add(uint64(len(batch)) - refused)
			return nil
		}
		if _, passing := errors.AsType[passingError](err); !passing {
			e.refused.Add(uint64(len(batch)))
			return err
		}
		if last || !e.rest(ctx, max(wait, pause/2+rand.N(pause/2))) {
			e.lost.Add(uint64(len(batch)))
			return err
		}
	}
}

// rest waits, less when the server ends. It reports false when ctx is done.
func (e *Exporter) rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
	case <-e.ending:
	case <-ctx.Done():
		return false
	}
	return true
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// passingError is one after which OTLP says to try again.
type passingError struct{ error }

// post sends a request. refused is how many of its spans the collector did not want; wait how long it wants to be left alone.
func (e *Exporter) post(ctx context.Context, body []byte) (refused uint64, wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.cfg.Endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("User-Agent", "apron/"+e.cfg.Version)
	for name, value := range e.cfg.Headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, passingError{err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted:
		return rejected(answer), 0, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // a date is as good as none
		return 0, time.Duration(seconds) * time.Second, passingError{fmt.Errorf("the collector answered %s", resp.Status)}
	}
	return 0, 0, errors.Join(fmt.Errorf("the collector answered %s", resp.Status), err)
}

// rejected reads rejected_spans of an ExportTraceServiceResponse's partial_success.
func rejected(answer []byte) uint64 {
	for _, f := range fields(answer) {
		if f.number != 1 {
			continue
		}
		for _, f := range fields(f.data) {
			if f.number == 1 {
				return f.value
			}
		}
	}
	return 0
}
