package proxy

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder keeps what Config.Ended was told.
type recorder struct {
	mu  sync.Mutex
	all []Record
}

func (r *recorder) ended(rec *Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := *rec
	for _, s := range []*string{&kept.Service, &kept.Instance, &kept.RequestID, &kept.Method, &kept.Host, &kept.Target, &kept.Proto,
		&kept.Client, &kept.Agent, &kept.Referer, &kept.TraceIn, &kept.TraceOut, &kept.Reason} {
		*s = strings.Clone(*s)
	}
	r.all = append(r.all, kept)
}

// next returns the record of the next request's end.
func (r *recorder) next(t *testing.T) Record {
	t.Helper()
	var rec Record
	eventually(t, "a record", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.all) == 0 {
			return false
		}
		rec, r.all = r.all[0], r.all[1:]
		return true
	})
	return rec
}

func TestRecord_SaysWhatBecameOfARequest(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		var records recorder
		e := newEdge(t, via, func(c *Config) { c.Ended = records.ended })
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(201)
			io.WriteString(w, "hello")
		})
		e.open("i1")
		r := e.request("POST", "/a%2Fb?q=1", strings.NewReader("payload"))
		r.Header.Set("User-Agent", "agent/1")
		r.Header.Set("Referer", "http://other.test/")
		r.Header.Set("X-Request-Id", "my-id")
		before := time.Now()
		e.do(r)
		got := records.next(t)
		if got.Began.Before(before) || got.FirstByte <= 0 || got.Took < got.FirstByte || time.Since(before) < got.Took {
			t.Errorf("times: began %v, first byte %v, took %v", got.Began, got.FirstByte, got.Took)
		}
		got.Began, got.FirstByte, got.Took = time.Time{}, 0, 0
		want := Record{Service: "web", Instance: "i1", RequestID: "my-id", Method: "POST", Host: "web.test", Target: "/a%2Fb?q=1", Proto: "HTTP/1.1",
			Client: "127.0.0.1", Agent: "agent/1", Referer: "http://other.test/", Status: 201, Received: 7, Sent: 5}
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestRecord_SaysWhyARequestFailed(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		var records recorder
		e := newEdge(t, via, func(c *Config) { c.Ended, c.InstanceWait = records.ended, 10*time.Millisecond })
		e.place("i1", "")
		e.open("i1")
		e.get("/")
		if r := records.next(t); r.Status != 502 || !strings.Contains(r.Reason, "refused the connection") || r.Instance != "i1" || r.FirstByte != 0 || r.Retried {
			t.Errorf("refused: %+v", r)
		}
		e.SetInstances("web", nil)
		e.get("/")
		if r := records.next(t); r.Status != 503 || r.Reason != errNoInstance.Error() || r.Instance != "" || r.Waited <= 0 || r.Took < 10*time.Millisecond {
			t.Errorf("no instance: %+v", r)
		}
	})
}

func TestRecord_CountsBothWaysOfAnUpgradedConnection(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		var records recorder
		e := newEdge(t, via, func(c *Config) { c.Ended = records.ended })
		e.backend("i1", echoUpgrade)
		e.open("i1")
		c := upgrade(t, e)
		io.WriteString(c, "ping")
		if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if r := records.next(t); !r.Upgraded || r.Status != 101 || r.Received != 4 || r.Sent != 4 {
			t.Errorf("got %+v", r)
		}
	})
}

func TestRecord_ClientIsWhoTrustedProxiesSay(t *testing.T) {
	p := New(Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for _, c := range []struct {
		peer, want string
		forwarded  []string
	}{
		{"192.0.2.1", "192.0.2.1", []string{"6.6.6.6"}},
		{"10.0.0.1", "10.0.0.1", nil},
		{"10.0.0.1", "192.0.2.1", []string{"6.6.6.6, 192.0.2.1"}},
		{"10.0.0.1", "192.0.2.1", []string{"6.6.6.6, 192.0.2.1", "10.0.0.2"}},
		{"10.0.0.1", "10.0.0.2", []string{"nonsense, 10.0.0.2"}},
		{"::ffff:10.0.0.1", "2001:db8::1", []string{"2001:db8::1"}},
	} {
		if got := p.clientOf(c.peer, c.forwarded); got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
}

const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestTraceparent_IsTheHooksAndOtherwiseTheClients(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		other := strings.Replace(trace, "b7ad", "1234", 1)
		for _, c := range []struct {
			name, client, told string
			hook               bool
			want, state        string
		}{
			{"no hook", trace, "", false, trace, "k=v"},
			{"no hook, malformed", "nonsense", "", false, "nonsense", "k=v"},
			{"goes on", trace, trace, true, other, "k=v"},
			{"begins", "", "", true, other, ""},
			{"malformed", "nonsense", "", true, other, ""},
		} {
			var records recorder
			told := "not asked"
			got := seen(t, via, func(r *http.Request) {
				if c.client != "" {
					r.Header.Set("Traceparent", c.client)
				}
				r.Header.Set("Tracestate", "k=v")
			}, func(cfg *Config) {
				cfg.Ended = records.ended
				if c.hook {
					cfg.Traceparent = func(in string) string { told = strings.Clone(in); return other }
				}
			})
			if v := got.Header.Get("Traceparent"); v != c.want || got.Header.Get("Tracestate") != c.state {
				t.Errorf("%s: the instance got %q and %q", c.name, v, got.Header.Get("Tracestate"))
			}
			r := records.next(t)
			if c.hook && told != c.told {
				t.Errorf("%s: the hook was told %q", c.name, told)
			}
			if c.hook && (r.TraceIn != c.told || r.TraceOut != other) {
				t.Errorf("%s: record %q, %q", c.name, r.TraceIn, r.TraceOut)
			}
		}
	})
}

func TestTraceparent_IsValidByTheRecommendationsRules(t *testing.T) {
	for s, want := range map[string]bool{
		trace:                      true,
		"01" + trace[2:]:           true,
		"01" + trace[2:] + "-more": true,
		trace + "-more":            false,
		"01" + trace[2:] + "more":  false,
		"ff" + trace[2:]:           false,
		strings.ToUpper(trace):     false,
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": false,
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": false,
		trace[:54]: false,
		"":         false,
		"00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01": false,
		"00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01": false,
	} {
		if got := validTraceparent(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
