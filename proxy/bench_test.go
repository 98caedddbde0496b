package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The same requests with and without the proxy between: parallel clients, kept-alive connections, real sockets.
func BenchmarkRequest(b *testing.B) {
	e := newEdge(b)
	srv := e.backend("i1", say("hello"))
	e.open("i1")
	srv.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 256
	b.Run("direct", func(b *testing.B) { load(b, srv.Client(), srv.URL) })
	b.Run("proxied", func(b *testing.B) { load(b, e.Client, e.URL) })
}

func load(b *testing.B, client *http.Client, url string) {
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, _ := http.NewRequest("GET", url, nil)
			r.Host = "web.test"
			res, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// What the proxy itself adds to httputil.ReverseProxy: no sockets, no instance.
func BenchmarkRoute(b *testing.B) {
	p := New(Config{})
	p.SetInstances("web", []string{"a", "b", "c"})
	p.Open("web", "web.test")
	b.ReportAllocs()
	for b.Loop() {
		svc := p.lookup("web.test:8080")
		leastBusy(svc.pool.Load().instances, nil)
	}
}

func BenchmarkUnknownHost(b *testing.B) {
	p := New(Config{})
	r := httptest.NewRequest("GET", "http://nobody.test/", strings.NewReader(""))
	b.ReportAllocs()
	for b.Loop() {
		p.ServeHTTP(httptest.NewRecorder(), r)
	}
}

// The one lock that a request takes here, four times: entering and leaving its service and its instance.
func BenchmarkGate(b *testing.B) {
	g := newGate()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		x := &exchange{}
		for pb.Next() {
			g.enter(x)
			g.leave(x)
		}
	})
}
