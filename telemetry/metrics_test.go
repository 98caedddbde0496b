package telemetry

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"apron/proxy"
)

// figures are what Prometheus's own parser makes of an answer.
type figures struct {
	*testing.T
	families map[string]*dto.MetricFamily
}

// scraped asks the handler as user, or without a login for "".
func scraped(t *testing.T, h http.Handler, user string) (int, figures) {
	t.Helper()
	req := httptest.NewRequest("GET", "/metrics", nil)
	if user != "" {
		req.SetBasicAuth(user, "secret")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		return w.Code, figures{T: t}
	}
	if got := expfmt.ResponseFormat(w.Result().Header); got.FormatType() != expfmt.TypeTextPlain {
		t.Errorf("the answer is of format %q", got)
	}
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatalf("Prometheus's parser: %v", err)
	}
	return w.Code, figures{t, families}
}

// one is the only metric of the family that has these labels, given as name=value.
func (f figures) one(name string, labels ...string) *dto.Metric {
	f.Helper()
	var found []*dto.Metric
	for _, m := range f.families[name].GetMetric() {
		have := map[string]bool{}
		for _, l := range m.GetLabel() {
			have[l.GetName()+"="+l.GetValue()] = true
		}
		all := true
		for _, want := range labels {
			all = all && have[want]
		}
		if all {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		f.Fatalf("%d of %s have %q, want one: %v", len(found), name, labels, f.families[name])
	}
	return found[0]
}

func (f figures) wants(value float64, name string, labels ...string) {
	f.Helper()
	m := f.one(name, labels...)
	got := m.GetGauge().GetValue()
	if m.Counter != nil {
		got = m.GetCounter().GetValue()
	}
	if math.Abs(got-value) > 1e-9 {
		f.Errorf("%s %q is %v, want %v", name, labels, got, value)
	}
}

func login(_ context.Context, user, password string) (Access, bool, error) {
	switch {
	case user == "broken":
		return Access{}, false, errors.New("the database is locked")
	case password != "secret":
		return Access{}, false, nil
	}
	return Access{Account: user, All: user == "operator"}, user != "", nil
}

func exampleSources(states ...State) Sources {
	return Sources{
		States: func(_ context.Context, account string) (list []State, err error) {
			for _, s := range states {
				if account == "" || s.Account == account {
					list = append(list, s)
				}
			}
			return list, nil
		},
		Machine: func(context.Context) (Machine, error) {
			return Machine{Version: "1.2.3", DiskTotal: 100, DiskUsed: 40, DiskAvail: 55}, nil
		},
	}
}

func TestMetrics_HaveCloudWatchsNamesAsLabels(t *testing.T) {
	r := newRig(t)
	for _, status := range []int{200, 204, 301, 404, 500, 503, 499, 101} {
		r.Ended(&proxy.Record{Service: "s1", Status: status, Took: 3 * time.Millisecond, Upgraded: status == 101, Received: 2, Sent: 10})
	}
	r.Ended(&proxy.Record{Service: "s1", Status: 504, Took: 2 * time.Minute, Waited: time.Second, Reason: "timeout", Retried: true})
	now := time.Now()
	state := State{
		Service: Service{ID: "s1", Name: "web", Account: "1", Region: "us-east-1"}, Status: "RUNNING",
		InFlight: 7, Waiting: 2, Active: 1, Wanted: 2,
		Instances: []Instance{
			{ID: "i1", State: "healthy", Began: now.Add(-10 * time.Second), CPU: 5 * time.Second, CPULimit: 1, Memory: 25, MemoryLimit: 100},
			{ID: "i2", State: "starting"},
		},
	}
	r.meter.now = func() time.Time { return now }
	_, f := scraped(t, r.Handler(exampleSources(state), login, false), "operator")
	web := []string{"service=web", "service_id=s1", "account=1", "region=us-east-1"}
	f.wants(9, "apron_requests_total", append(web, "cloudwatch=Requests")...)
	f.wants(2, "apron_responses_total", "class=2xx", "cloudwatch=2xxStatusResponses")
	f.wants(1, "apron_responses_total", "class=4xx", "cloudwatch=4xxStatusResponses")
	f.wants(3, "apron_responses_total", "class=5xx", "cloudwatch=5xxStatusResponses")
	f.wants(1, "apron_responses_total", "class=1xx")
	f.wants(1, "apron_requests_aborted_total", web...)
	f.wants(1, "apron_requests_failed_total", "reason=timeout")
	f.wants(1, "apron_requests_retried_total", web...)
	f.wants(16, "apron_request_body_bytes_total", web...)
	f.wants(80, "apron_response_body_bytes_total", web...)
	f.wants(7, "apron_requests_in_flight", append(web, "cloudwatch=Concurrency")...)
	f.wants(2, "apron_requests_waiting", web...)
	f.wants(1, "apron_active_instances", "cloudwatch=ActiveInstances")
	f.wants(1, "apron_instances", "state=healthy")
	f.wants(1, "apron_instances", "state=starting")
	f.wants(2, "apron_instances_wanted", web...)
	f.wants(50, "apron_cpu_utilization_percent", append(web, "cloudwatch=CPUUtilization")...)
	f.wants(25, "apron_memory_utilization_percent", append(web, "cloudwatch=MemoryUtilization")...)
	f.wants(50, "apron_instance_cpu_utilization_percent", "instance_id=i1", "cloudwatch=CPUUtilization")
	f.wants(25, "apron_instance_memory_utilization_percent", "instance_id=i1", "cloudwatch=MemoryUtilization")

	h := f.one("apron_request_duration_seconds", append(web, "cloudwatch=RequestLatency")...).GetHistogram()
	if h.GetSampleCount() != 8 || math.Abs(h.GetSampleSum()-120.021) > 1e-9 {
		t.Errorf("latency of %d requests is %v, want 8 and 120.021", h.GetSampleCount(), h.GetSampleSum())
	}
	for bound, want := range map[float64]uint64{.0025: 0, .005: 7, 60: 7, 120: 8} {
		for _, b := range h.GetBucket() {
			if b.GetUpperBound() == bound && b.GetCumulativeCount() != want {
				t.Errorf("%d requests took at most %v s, want %d", b.GetCumulativeCount(), bound, want)
			}
		}
	}
	if n := f.one("apron_request_wait_seconds", web...).GetHistogram().GetSampleCount(); n != 1 {
		t.Errorf("%d requests waited, want 1", n)
	}
}

func TestMetrics_AnAccountSeesItsOwnAndTheOperatorTheMachine(t *testing.T) {
	r := newRig(t)
	r.OperationEnded("1", "CREATE_SERVICE", "SUCCEEDED", 2*time.Second)
	r.OperationEnded("2", "CREATE_SERVICE", "FAILED", time.Second)
	r.BuildEnded("1", "built", 3*time.Second)
	r.Scaled("s1", 1, 2)
	r.Scaled("s1", 2, 1)
	r.Scaled("s1", 1, 0)
	one := State{Service: Service{ID: "s1", Name: "web", Account: "1"}, Status: "RUNNING"}
	two := State{Service: Service{ID: "s2", Name: `o"th\er` + "\n", Account: "2"}, Status: "PAUSED"}
	h := r.Handler(exampleSources(one, two), login, false)

	_, f := scraped(t, h, "operator")
	f.wants(1, "apron_service_info", "service="+two.Name, "status=PAUSED")
	f.wants(1, "apron_operations_total", "account=2", "type=CREATE_SERVICE", "status=FAILED")
	f.wants(40, "apron_disk_bytes", "kind=used")
	f.wants(1, "apron_build_info", "version=1.2.3")
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"} {
		if m := f.one(name); m.GetGauge().GetValue()+m.GetCounter().GetValue() <= 0 {
			t.Errorf("%s is %v", name, m)
		}
	}

	_, f = scraped(t, h, "1")
	f.wants(1, "apron_service_info", "service=web")
	f.wants(1, "apron_operations_total", "type=CREATE_SERVICE", "status=SUCCEEDED")
	f.wants(2, "apron_operations_duration_seconds_total", "type=CREATE_SERVICE", "status=SUCCEEDED")
	f.wants(1, "apron_builds_total", "outcome=built")
	f.wants(1, "apron_scalings_total", "direction=out")
	f.wants(2, "apron_scalings_total", "direction=in")
	for name, family := range f.families {
		for _, m := range family.GetMetric() {
			if !strings.Contains(m.String(), `name:"account" value:"1"`) && !strings.Contains(m.String(), `name:"account"  value:"1"`) {
				t.Errorf("account 1 sees %s %v", name, m)
			}
		}
	}
}

func TestMetrics_AreForThoseWhoLogIn(t *testing.T) {
	r := newRig(t)
	closed := r.Handler(exampleSources(), login, false)
	for user, want := range map[string]int{"": 401, "operator": 200, "1": 200, "broken": 500} {
		if got, _ := scraped(t, closed, user); got != want {
			t.Errorf("user %q is answered %d, want %d", user, got, want)
		}
	}
	wrong := httptest.NewRequest("GET", "/metrics", nil)
	wrong.SetBasicAuth("operator", "guessed")
	w := httptest.NewRecorder()
	closed.ServeHTTP(w, wrong)
	if w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("a wrong secret is answered %d %v", w.Code, w.Header())
	}
	if got, f := scraped(t, r.Handler(exampleSources(), login, true), ""); got != 200 {
		t.Errorf("an open handler answers %d", got)
	} else {
		f.wants(100, "apron_disk_bytes", "kind=total")
	}
}

func TestMeter_AveragesOverTheLastMinute(t *testing.T) {
	began := time.Unix(1000, 0)
	now := began.Add(20 * time.Second)
	m := &meter{now: func() time.Time { return now }}
	used := func(cpu time.Duration) float64 { return m.rate(Instance{ID: "i1", Began: began, CPU: cpu}) }
	for _, step := range []struct {
		wait time.Duration
		cpu  time.Duration
		want float64
	}{
		{0, 10 * time.Second, .5},                    // since it began
		{40 * time.Second, 10 * time.Second, 1. / 6}, // 10 s of 60 since then
		{20 * time.Second, 40 * time.Second, .5},     // 30 s in the 60 since the first look
		{40 * time.Second, 40 * time.Second, .5},     // 30 s in the 60 before, of which 20 s ago were the last
		{10 * time.Minute, 40 * time.Second, 0},      // the last look is all there is
		{time.Second, 0, 0},                          // it began anew under the same name
	} {
		now = now.Add(step.wait)
		if got := used(step.cpu); math.Abs(got-step.want) > 1e-9 {
			t.Errorf("after %v with %v of CPU it is %v, want %v", now.Sub(began), step.cpu, got, step.want)
		}
	}
	now = now.Add(meterLife + time.Minute)
	m.forget()
	if len(m.samples) != 0 {
		t.Error("an instance that nobody asked about is kept")
	}
}
