package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"apron/proxy"
)

// receiver is a collector that decodes what it gets with OpenTelemetry's own types.
type receiver struct {
	*testing.T
	*httptest.Server

	mu       sync.Mutex
	answers  []func(http.ResponseWriter) // to the next requests; then 200
	requests []*collector.ExportTraceServiceRequest
	headers  []http.Header
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{T: t}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	export := new(collector.ExportTraceServiceRequest)
	if err == nil {
		err = proto.Unmarshal(body, export)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" {
		r.Errorf("%s %v: %v", req.URL, req.Header, err)
	}
	if len(r.answers) > 0 {
		answer := r.answers[0]
		r.answers = r.answers[1:]
		answer(w)
		return
	}
	r.requests = append(r.requests, export)
	r.headers = append(r.headers, req.Header)
}

// spans are all that the receiver has taken.
func (r *receiver) spans() (list []*trace.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, req := range r.requests {
		for _, resource := range req.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				list = append(list, scope.GetSpans()...)
			}
		}
	}
	return list
}

func attributes(list []*common.KeyValue) map[string]string {
	found := map[string]string{}
	for _, a := range list {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			found[a.GetKey()] = v.StringValue
		case *common.AnyValue_IntValue:
			found[a.GetKey()] = fmt.Sprint(v.IntValue)
		}
	}
	return found
}

func (r *receiver) exporter() *Exporter {
	return NewExporter(ExporterConfig{
		Endpoint: r.URL + "/v1/traces", Sampler: Sampler{Ratio: 1}, Version: "1.2.3",
		Headers: map[string]string{"X-Key": "k1"}, Resource: map[string]string{"deployment.environment.name": "test"},
	})
}

func nameServices(_ context.Context, ids []string) (map[string]Service, error) {
	found := map[string]Service{}
	for _, id := range ids {
		found[id] = Service{ID: id, Name: "web", Account: "123456789012", Region: "us-east-1"}
	}
	return found, nil
}

func (r *receiver) flush(e *Exporter) {
	e.flush(r.Context(), slog.New(slog.DiscardHandler), nameServices)
}

// wantsOutcomes checks what came of the spans.
func (r *receiver) wantsOutcomes(e *Exporter, sent, lost, refused uint64) {
	r.Helper()
	want := map[string]uint64{"sent": sent, "lost": lost, "refused": refused, "waiting": 0}
	if got := e.outcomes(); !maps.Equal(got, want) {
		r.Errorf("spans are %v, want %v", got, want)
	}
}

func TestSpan_HasTheConventionsNames(t *testing.T) {
	r := newReceiver(t)
	e := r.exporter()
	record := exampleRecord()
	record.Target += "&token=abc"
	record.TraceIn, record.TraceOut, record.TLS, record.Received = parentIn, parentOut, true, 7
	record.Status, record.Reason, record.Waited, record.Retried = 502, "instance closed the connection", 3*time.Millisecond, true
	e.add(record)
	r.flush(e)
	r.wantsOutcomes(e, 1, 0, 0)

	resource := r.requests[0].GetResourceSpans()[0]
	wantResource := map[string]string{
		"service.name": "apron", "service.version": "1.2.3", "deployment.environment.name": "test",
		"telemetry.sdk.name": "apron", "telemetry.sdk.language": "go",
	}
	if got := attributes(resource.GetResource().GetAttributes()); !maps.Equal(got, wantResource) {
		t.Errorf("the resource is %v", got)
	}
	if scope := resource.GetScopeSpans()[0].GetScope(); scope.GetName() != "apron/proxy" || scope.GetVersion() != "1.2.3" || resource.GetSchemaUrl() != semanticConventions {
		t.Errorf("the scope is %v", scope)
	}
	if r.headers[0].Get("X-Key") != "k1" {
		t.Errorf("the headers are %v", r.headers[0])
	}
	s := r.spans()[0]
	in, _ := parseParent(parentIn)
	out, _ := parseParent(parentOut)
	if string(s.GetTraceId()) != string(out.trace[:]) || string(s.GetSpanId()) != string(out.span[:]) || string(s.GetParentSpanId()) != string(in.span[:]) {
		t.Errorf("the span is %x of %x in %x", s.GetSpanId(), s.GetParentSpanId(), s.GetTraceId())
	}
	if s.GetFlags() != 0x301 || s.GetName() != "GET" || s.GetKind() != trace.Span_SPAN_KIND_SERVER {
		t.Errorf("the span is %s with flags %x of kind %v", s.GetName(), s.GetFlags(), s.GetKind())
	}
	if took := s.GetEndTimeUnixNano() - s.GetStartTimeUnixNano(); took != uint64(record.Took) || s.GetStartTimeUnixNano() != uint64(record.Began.UnixNano()) {
		t.Errorf("the span begins at %d and takes %d", s.GetStartTimeUnixNano(), took)
	}
	if s.GetStatus().GetCode() != trace.Status_STATUS_CODE_ERROR || s.GetStatus().GetMessage() != record.Reason {
		t.Errorf("the status is %v", s.GetStatus())
	}
	want := map[string]string{
		"http.request.method": "GET", "url.path": "/items/17", "url.query": "page=2&sort=name&token=REDACTED", "url.scheme": "https",
		"server.address": "abcdefghij.us-east-1.apron.localhost", "server.port": "8080", "client.address": "192.0.2.17",
		"user_agent.original": record.Agent, "network.protocol.version": "1.1", "http.response.status_code": "502", "error.type": "502",
		"http.request.body.size": "7", "http.response.body.size": "5123",
		"apron.service.id": record.Service, "apron.service.name": "web", "apron.account": "123456789012", "apron.region": "us-east-1",
		"apron.instance.id": record.Instance, "apron.request.id": record.RequestID, "apron.wait_us": "3000", "apron.retried": "true",
	}
	if got := attributes(s.GetAttributes()); !maps.Equal(got, want) {
		t.Errorf("the attributes are %v\nwant %v", got, want)
	}
}

func TestSpan_OfHostileTextsIsTakenByTheDecoder(t *testing.T) {
	r := newReceiver(t)
	e := r.exporter()
	e.add(&proxy.Record{TraceOut: parentOut, Method: "BREW\xff", Target: "/\xff?" + strings.Repeat("é", 5000), Host: "[::1]:x", Agent: "\x00\xfe", Began: time.Unix(0, 0), Status: 200})
	r.flush(e)
	r.wantsOutcomes(e, 1, 0, 0)
	got := attributes(r.spans()[0].GetAttributes())
	if got["http.request.method"] != "_OTHER" || got["http.request.method_original"] != "BREW\ufffd" || r.spans()[0].GetName() != "HTTP" {
		t.Errorf("the method is %v", got)
	}
	if s := r.spans()[0]; len(s.GetParentSpanId()) > 0 || s.GetStatus() != nil {
		t.Errorf("the span has parent %x and status %v", s.GetParentSpanId(), s.GetStatus())
	}
}

func TestExporter_LeavesOutWhatIsNotSampled(t *testing.T) {
	r := newReceiver(t)
	e := r.exporter()
	e.add(&proxy.Record{TraceOut: parentOut[:flagsAt] + "00"})
	e.add(&proxy.Record{})
	r.flush(e)
	if len(r.requests) != 0 {
		t.Errorf("%v was sent", r.requests)
	}
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func TestExporter_TriesAgainWhatIsPassingAndNothingElse(t *testing.T) {
	r := newReceiver(t)
	e := r.exporter()
	r.answers = []func(http.ResponseWriter){status(503), status(429)}
	e.add(&proxy.Record{TraceOut: parentOut})
	r.flush(e)
	r.wantsOutcomes(e, 1, 0, 0)
	r.answers = []func(http.ResponseWriter){status(400)}
	e.add(&proxy.Record{TraceOut: parentOut})
	r.flush(e)
	r.wantsOutcomes(e, 1, 0, 1)
	r.answers = []func(http.ResponseWriter){func(w http.ResponseWriter) {
		text, _ := proto.Marshal(&collector.ExportTraceServiceResponse{PartialSuccess: &collector.ExportTracePartialSuccess{RejectedSpans: 2, ErrorMessage: "no"}})
		_, _ = w.Write(text)
	}}
	for range 3 {
		e.add(&proxy.Record{TraceOut: parentOut})
	}
	r.flush(e)
	r.wantsOutcomes(e, 2, 0, 3)
}

func TestExporter_LosesSpansAndNoTimeWhereTheCollectorIsAway(t *testing.T) {
	r := newReceiver(t)
	e := r.exporter()
	r.Close()
	const extra = 10
	for range spanQueue + extra { // add returns whatever happens
		e.add(&proxy.Record{TraceOut: parentOut})
	}
	if got := e.lost.Load(); got != extra {
		t.Errorf("%d spans are lost, want those %d that the queue has no room for", got, extra)
	}
	var log strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	e.flush(ctx, slog.New(slog.NewTextHandler(&log, nil)), nameServices)
	if !strings.Contains(log.String(), "spans did not reach the collector") || !strings.Contains(log.String(), "refused") {
		t.Errorf("the log says %q", log.String())
	}
}

func TestExporter_SendsInBatchesAndWhatIsLeftAtTheEnd(t *testing.T) {
	r := newReceiver(t)
	tel := New(Config{Log: slog.New(slog.DiscardHandler), Services: nameServices, Spans: r.exporter()})
	const n = 3*spanBatch + 1
	for range n {
		tel.cfg.Spans.add(&proxy.Record{TraceOut: parentOut})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // Run then only ends
	if err := tel.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got := len(r.spans()); got != n || len(r.requests) != 4 {
		t.Errorf("%d spans came in %d requests, want %d in 4", got, len(r.requests), n)
	}
	r.wantsOutcomes(tel.cfg.Spans, n, 0, 0)
}

func TestExporter_TriesNothingAgainWhenTheServerEnds(t *testing.T) {
	r := newReceiver(t)
	tel := New(Config{Log: slog.New(slog.DiscardHandler), Services: nameServices, Spans: r.exporter()})
	for range 20 {
		r.answers = append(r.answers, status(503))
	}
	for range 2*spanBatch + 1 {
		tel.cfg.Spans.add(&proxy.Record{TraceOut: parentOut})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tel.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if tried := 20 - len(r.answers); tried != 3 {
		t.Errorf("three batches were sent in %d requests", tried)
	}
	r.wantsOutcomes(tel.cfg.Spans, 0, 2*spanBatch+1, 0)
}

func FuzzRejected(f *testing.F) {
	text, _ := proto.Marshal(&collector.ExportTraceServiceResponse{PartialSuccess: &collector.ExportTracePartialSuccess{RejectedSpans: 2}})
	f.Add(text)
	f.Fuzz(func(t *testing.T, answer []byte) {
		got := rejected(answer)
		decoded := new(collector.ExportTraceServiceResponse)
		if proto.Unmarshal(answer, decoded) != nil {
			return // no panic is all that is wanted
		}
		again, err := proto.Marshal(decoded)
		if want := uint64(decoded.GetPartialSuccess().GetRejectedSpans()); err == nil && bytes.Equal(again, answer) && got != want {
			t.Errorf("%x rejects %d spans, want %d", answer, got, want)
		}
	})
}
