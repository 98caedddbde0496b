package main_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spanReceiver is a collector of OpenTelemetry.
type spanReceiver struct {
	mu    sync.Mutex
	spans []*trace.Span
}

func (r *spanReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var export collector.ExportTraceServiceRequest
	body, err := io.ReadAll(req.Body)
	if err != nil || proto.Unmarshal(body, &export) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range export.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
}

// of returns the spans whose attribute has the value.
func (r *spanReceiver) of(key, value string) (found []*trace.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		for _, a := range s.GetAttributes() {
			if a.GetKey() == key && a.GetValue().GetStringValue() == value {
				found = append(found, s)
			}
		}
	}
	return found
}

// eventually calls what until it is satisfied, for up to a minute.
func eventually(t *testing.T, what string, satisfied func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !satisfied(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// send makes a request of the service with headers, given as name and value in turn.
func (w *world) send(ctx context.Context, method, path string, headers ...string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+w.url+path, nil)
	if err != nil {
		return 0, "", err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := w.platform.HTTP().Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// accessLines are what `apron logs web-app --access` prints, by the requests' targets.
func (w *world) accessLines() map[string]map[string]any {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), programs.apron, "logs", "web-app", "--access", "--data", w.data)
	cmd.Env = os.Environ()
	for name, value := range w.platform.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, _ := cmd.Output() // before the first request it fails
	found := map[string]map[string]any{}
	for line := range strings.Lines(string(out)) {
		fields := map[string]any{}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			w.Fatalf("%q is no JSON: %v", line, err)
		}
		found[fields["target"].(string)] = fields
	}
	return found
}

// sendOtherwise makes requests with a body, by HTTP/2, and of another protocol.
func (w *world) sendOtherwise() {
	w.Helper()
	resp, err := w.platform.HTTP().Post("http://"+w.url+"/log?line=posted", "text/plain", strings.NewReader(strings.Repeat("x", 1000)))
	if err != nil {
		w.Fatal(err)
	}
	resp.Body.Close()
	client := w.platform.HTTP()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client.Transport.(*http.Transport).Protocols = protocols
	if resp, err = client.Get("http://" + w.url + "/args"); err != nil {
		w.Fatal(err)
	}
	resp.Body.Close()
	e := openEcho(w.T, w)
	if err := e.says("hello"); err != nil {
		w.Error(err)
	}
	e.close()
}

const clientsParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// TestRequests_AreLoggedCountedAndTraced makes requests that end in every way, and looks for them in the access log, in
// /metrics and among the spans that a collector got.
func TestRequests_AreLoggedCountedAndTraced(t *testing.T) {
	spans := &spanReceiver{}
	receiver := httptest.NewServer(spans)
	t.Cleanup(receiver.Close)
	w := newWorld(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+receiver.URL)
	w.do(createWith("app:1", nil))

	_, parent, err := w.send(t.Context(), "GET", "/header?name=Traceparent&token=abc", "Traceparent", clientsParent, "Tracestate", "v=1", "X-Request-Id", "r1", "User-Agent", "tester/1")
	if err != nil || !strings.HasPrefix(parent, clientsParent[:36]) || parent == clientsParent {
		t.Fatalf("the instance got traceparent %q, %v; want another span of %s", parent, err, clientsParent)
	}
	if _, state, err := w.send(t.Context(), "GET", "/header?name=Tracestate", "Traceparent", clientsParent, "Tracestate", "v=1"); state != "v=1" {
		t.Errorf("the instance got tracestate %q, %v", state, err)
	}
	w.sendOtherwise()
	if status, _, err := w.send(t.Context(), "GET", "/nowhere"); status != 404 {
		t.Errorf("GET /nowhere = %d, %v", status, err)
	}
	gone, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, _, err := w.send(gone, "POST", "/slow?ms=60000"); err == nil {
		t.Error("a request of a minute was answered within a moment")
	}
	broken := make(chan int)
	go func() {
		status, _, _ := w.send(t.Context(), "POST", "/slow?ms=50000")
		broken <- status
	}()
	eventually(t, "a request is under way", func() bool { return w.scraped().value("apron_requests_in_flight", "") > 0 })
	if _, _, err := w.send(t.Context(), "POST", "/exit?code=3"); err != nil {
		t.Log(err) // the program may end before it answers
	}
	if status := <-broken; status != 502 {
		t.Errorf("a request whose instance ended was answered %d", status)
	}

	var lines map[string]map[string]any
	eventually(t, "the access log has all requests", func() bool { lines = w.accessLines(); return len(lines) >= 9 })
	w.checkLines(lines, parent)
	w.checkSpans(spans, parent)
	w.checkMetrics()
}

func (w *world) checkLines(lines map[string]map[string]any, parent string) {
	w.Helper()
	first := lines["/header?name=Traceparent&token=REDACTED"]
	for name, want := range map[string]any{
		"status": 200.0, "method": "GET", "host": w.url, "protocol": "HTTP/1.1", "client": "127.0.0.1", "request_id": "r1",
		"user_agent": "tester/1", "trace_id": clientsParent[3:35], "bytes_out": float64(len(parent)), "bytes_in": 0.0,
	} {
		if first[name] != want {
			w.Errorf("%s is %v, want %v: %v", name, first[name], want, first)
		}
	}
	if id, _ := first["instance"].(string); len(id) != 32 || first["reason"] != nil || first["first_byte_ms"] == nil {
		w.Errorf("the line is %v", first)
	}
	if got := lines["/log?line=posted"]; got["bytes_in"] != 1000.0 || got["method"] != "POST" {
		w.Errorf("the line of a request with a body is %v", got)
	}
	if got := lines["/args"]; got["protocol"] != "HTTP/2.0" || got["status"] != 200.0 || got["trace_id"] == nil {
		w.Errorf("the line of a request by HTTP/2 is %v", got)
	}
	if got := lines["/echo"]; got["status"] != 101.0 || got["upgraded"] != true || got["bytes_out"].(float64) < 5 {
		w.Errorf("the line of an upgraded connection is %v", got)
	}
	if got := lines["/nowhere"]; got["status"] != 404.0 || got["reason"] != nil {
		w.Errorf("the line of a 404 is %v", got)
	}
	if got := lines["/slow?ms=60000"]; got["status"] != 499.0 || got["reason"] == nil {
		w.Errorf("the line of a client that has gone is %v", got)
	}
	if got := lines["/slow?ms=50000"]; got["status"] != 502.0 || !strings.Contains(got["reason"].(string), "instance") {
		w.Errorf("the line of an instance that ended is %v", got)
	}
}

func (w *world) checkSpans(r *spanReceiver, parent string) {
	w.Helper()
	eventually(w.T, "the collector has the spans", func() bool { return len(r.of("apron.service.id", w.id)) >= 9 })
	found := r.of("url.query", "name=Traceparent&token=REDACTED")
	if len(found) != 1 {
		w.Fatalf("%d spans are of the first request", len(found))
	}
	s := found[0]
	got := "00-" + hex.EncodeToString(s.GetTraceId()) + "-" + hex.EncodeToString(s.GetSpanId()) + "-01"
	if got != parent || hex.EncodeToString(s.GetParentSpanId()) != clientsParent[36:52] || s.GetKind() != trace.Span_SPAN_KIND_SERVER {
		w.Errorf("the span is %v; the instance got %s", s, parent)
	}
	if named, failed, second := len(r.of("apron.service.name", "web-app")), len(r.of("error.type", "502")), len(r.of("network.protocol.version", "2")); named < 9 || failed != 1 || second != 1 {
		w.Errorf("%d spans have the service's name, %d an error's type and %d are of HTTP/2; want 9, 1 and 1", named, failed, second)
	}
}

// figures is what Prometheus's own parser makes of /metrics.
type figures map[string]*dto.MetricFamily

// scraped asks /metrics with the first access key.
func (w *world) scraped() figures {
	w.Helper()
	return w.scrapedAs(w.platform.Env)
}

func (w *world) scrapedAs(key map[string]string) figures {
	w.Helper()
	resp := w.metrics(key["AWS_ACCESS_KEY_ID"], key["AWS_SECRET_ACCESS_KEY"])
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.Fatalf("/metrics: %s, %v", resp.Status, err)
	}
	return families
}

func (w *world) metrics(user, secret string) *http.Response {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), "GET", w.platform.APIURL()+"/metrics", nil)
	if err != nil {
		w.Fatal(err)
	}
	req.SetBasicAuth(user, secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	return resp
}

// value adds up the metrics of the family that have this label, given as name=value, or all for "".
func (f figures) value(name, label string) (sum float64) {
	for _, m := range f[name].GetMetric() {
		matches := label == ""
		for _, l := range m.GetLabel() {
			matches = matches || l.GetName()+"="+l.GetValue() == label
		}
		if matches {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

func (w *world) checkMetrics() {
	w.Helper()
	if resp := w.metrics(w.platform.Env["AWS_ACCESS_KEY_ID"], "guessed"); resp.StatusCode != http.StatusUnauthorized {
		w.Errorf("a wrong secret is answered %s", resp.Status)
	}
	var f figures
	eventually(w.T, "the instance in the place of the one that ended has used something", func() bool {
		f = w.scraped()
		return f.value("apron_instance_memory_bytes", "") > 0 && f.value("apron_instance_cpu_seconds_total", "") > .001
	})
	for label, least := range map[string]float64{
		"cloudwatch=2xxStatusResponses": 2, "cloudwatch=4xxStatusResponses": 1, "cloudwatch=5xxStatusResponses": 1,
	} {
		if got := f.value("apron_responses_total", label); got < least {
			w.Errorf("%v answers have %s, want %v or more", got, label, least)
		}
	}
	for name, least := range map[string]float64{
		"apron_requests_total": 6, "apron_requests_aborted_total": 1, "apron_requests_failed_total": 1, "apron_request_duration_seconds": 6,
		"apron_memory_utilization_percent": .01,
		"apron_disk_bytes":                 1, "process_resident_memory_bytes": 1, "apron_spans_total": 6,
	} {
		if got := f.value(name, ""); got < least {
			w.Errorf("%s is %v, want %v or more", name, got, least)
		}
	}
	if got := f.value("apron_operations_total", "type=CREATE_SERVICE"); got != 1 {
		w.Errorf("%v services were created", got)
	}
}

// TestAccessLog_IsFollowedTurnedOffAndWholeAfterAStop is the log as its reader sees it.
func TestAccessLog_IsFollowedTurnedOffAndWholeAfterAStop(t *testing.T) {
	w := newWorld(t)
	w.greeting = "hello"
	w.do(createWith("app:1", nil))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	follow := exec.CommandContext(ctx, programs.apron, "logs", "web-app", "--access", "-f", "-n", "0", "--data", w.data)
	follow.Env = os.Environ()
	for name, value := range w.platform.Env {
		follow.Env = append(follow.Env, name+"="+value)
	}
	var followed lockedText
	follow.Stdout = &followed
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a request is followed", func() bool {
		w.answers(http.StatusOK)
		return strings.Contains(followed.String(), `"status":200`)
	})
	cancel()
	_ = follow.Wait() // it was killed

	w.tag("apron:access-log", "off")
	time.Sleep(2500 * time.Millisecond) // what a service is may be known for two seconds
	if _, _, err := w.get("/?hidden"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond) // and what counts is what it is when the line is written, within a second
	w.untag("apron:access-log")
	eventually(t, "requests are logged again", func() bool {
		if _, _, err := w.get("/?again"); err != nil {
			t.Fatal(err)
		}
		return w.accessLines()["/?again"] != nil
	})
	if w.accessLines()["/?hidden"] != nil {
		t.Error("a request was logged while the log was off")
	}

	if _, _, err := w.get("/?last"); err != nil {
		t.Fatal(err)
	}
	amid := make(chan error, 1)
	go func() {
		_, _, err := w.get("/slow?ms=4000")
		amid <- err
	}()
	eventually(t, "a request is under way", func() bool { return w.scraped().value("apron_requests_in_flight", "") > 0 })
	w.upgraded()
	if err := <-amid; err != nil {
		t.Error(err)
	}
	eventually(t, "a request that ended in the process from before an upgrade is logged", func() bool {
		return w.accessLines()["/slow?ms=4000"] != nil
	})
	w.restart()
	if w.accessLines()["/?last"] == nil {
		t.Error("the last request before the server was stopped is not in the log")
	}
	if f := w.scraped(); f.value("apron_service_info", "status=RUNNING") != 1 {
		t.Errorf("services are %v", f["apron_service_info"])
	}
}

// lockedText is written to by one goroutine and read by another.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedText) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedText) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestMetrics_AreScrapedByPrometheus runs Debian's Prometheus with the scrape configuration of README.md.
func TestMetrics_AreScrapedByPrometheus(t *testing.T) {
	needs(t, "/usr/bin/prometheus", "prometheus")
	w := newWorld(t)
	w.greeting = "hello"
	w.do(createWith("app:1", nil))
	w.answers(http.StatusOK)

	check := exec.CommandContext(t.Context(), "/usr/bin/promtool", "check", "metrics")
	resp := w.metrics(w.platform.Env["AWS_ACCESS_KEY_ID"], w.platform.Env["AWS_SECRET_ACCESS_KEY"])
	defer resp.Body.Close()
	check.Stdin = resp.Body
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}

	address := w.runPrometheus()
	var value string
	eventually(t, "Prometheus has the requests", func() bool {
		value = prometheusValue(t, address, `sum by (service, account) ({cloudwatch="Requests"})`)
		return value != "" && value != "0"
	})
	if got := prometheusValue(t, address, `up{job="apron"}`); got != "1" {
		t.Errorf("up is %q", got)
	}
	if got := prometheusValue(t, address, `histogram_quantile(0.99, sum by (le) (apron_request_duration_seconds_bucket)) < 120`); got == "" {
		t.Error("the latency's histogram gives no quantile")
	}
}

// TestMetrics_AreOfTheKeysAccount shows the operator everything and others what is theirs.
func TestMetrics_AreOfTheKeysAccount(t *testing.T) {
	w := newWorld(t)
	w.do(create)
	if f := w.scrapedAs(w.newKey("--read-only")); f.value("apron_service_info", "service=web-app") != 1 || f.value("apron_disk_bytes", "kind=total") == 0 {
		t.Errorf("a read-only key of the first account is shown %v", f)
	}
	other := w.newKey("--account", "new")
	if f := w.scrapedAs(other); len(f) != 0 {
		t.Errorf("an account without services is shown %v", f)
	}
	if _, stderr, err := runApron(t, w.data, "key", "revoke", other["AWS_ACCESS_KEY_ID"]); err != nil {
		t.Fatal(err, stderr)
	}
	eventually(t, "a revoked key is refused", func() bool {
		resp := w.metrics(other["AWS_ACCESS_KEY_ID"], other["AWS_SECRET_ACCESS_KEY"])
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusUnauthorized
	})
}

// runPrometheus starts a Prometheus that scrapes the platform, and tells where it answers.
func (w *world) runPrometheus() string {
	w.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		w.Fatal(err)
	}
	_, config, ok := strings.Cut(string(readme), "\n    scrape_configs:\n")
	if !ok {
		w.Fatal("README.md has no scrape configuration")
	}
	config, _, _ = strings.Cut(config, "\n\n")
	config = "global: {scrape_interval: 1s}\nscrape_configs:\n" + config + "\n" // it is indented still, which YAML does not mind
	api, err := url.Parse(w.platform.APIURL())
	if err != nil {
		w.Fatal(err)
	}
	for from, to := range map[string]string{
		"127.0.0.1:4080": api.Host, "AKIA...": w.platform.Env["AWS_ACCESS_KEY_ID"], "SECRET": w.platform.Env["AWS_SECRET_ACCESS_KEY"],
	} {
		if !strings.Contains(config, from) {
			w.Fatalf("the scrape configuration has no %s:\n%s", from, config)
		}
		config = strings.ReplaceAll(config, from, to)
	}
	dir := w.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		w.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/prometheus", "--config.file", file, "--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", "127.0.0.1:0")
	var log lockedText
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		_ = cmd.Process.Kill() // its data goes with the test
		_ = cmd.Wait()
		if w.Failed() {
			w.Logf("Prometheus: %s", log.String())
		}
	})
	var address []string
	eventually(w.T, "Prometheus listens", func() bool {
		address = regexp.MustCompile(`msg="Listening on" address=(\S+)`).FindStringSubmatch(log.String())
		return address != nil
	})
	return address[1]
}

// prometheusValue is the first value that the query gives, "" for none yet.
func prometheusValue(t *testing.T, address, query string) string {
	resp, err := http.Get("http://" + address + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "" // it is not ready yet
	}
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("query %s: %v", query, err)
	}
	if len(answer.Data.Result) == 0 {
		return ""
	}
	value, _ := answer.Data.Result[0].Value[1].(string)
	return value
}
