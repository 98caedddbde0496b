package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// The same requests with and without the proxy between: parallel clients, kept-alive connections, real sockets.
func BenchmarkRequest(b *testing.B) {
	e := newEdge(b, netHTTP)
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

// Small requests on 64 kept-alive connections, by each way that they can come: nothing but sockets and the Proxy, as
// client and instance read and write bytes that they do not look at.
func BenchmarkSmall(b *testing.B) {
	for _, via := range ways {
		b.Run(via.name, func(b *testing.B) {
			e := newEdge(b, via)
			quietInstance(e, smallAnswer)
			e.open("i1")
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				s := e.small(smallGET)
				for pb.Next() {
					s.once(b)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
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

// quiet is a carrier that nothing is ever wrong with.
type quiet struct{ flight }

func (*quiet) cut(error)      {}
func (*quiet) hopeless() bool { return false }

// What a request's way through its service costs: found, counted, given to the least busy of the instances, counted out.
func BenchmarkFlight(b *testing.B) {
	for _, instances := range []int{1, 25} {
		b.Run(strconv.Itoa(instances), func(b *testing.B) {
			p := New(Config{})
			var ids []string
			for i := range instances {
				ids = append(ids, strconv.Itoa(i))
			}
			p.SetInstances("web", ids)
			p.Open("web", "web.test")
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				c, r := &quiet{}, &Record{Status: 200}
				for pb.Next() {
					p.begin(&c.flight, p.lookup("web.test:8080"), c)
					c.tryInstance().succeeded()
					c.leaveInstance()
					c.end(r)
				}
			})
		})
	}
}

// What waiting for a place adds: 16 requests at a time for 4 places, each at once given on.
func BenchmarkQueue(b *testing.B) {
	p := New(Config{})
	p.SetLimits("web", Limits{Concurrency: 4})
	p.SetInstances("web", []string{"a"})
	p.Open("web", "web.test")
	svc := p.service("web")
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		c, r := &quiet{}, &Record{Status: 200}
		for pb.Next() {
			p.begin(&c.flight, svc, c)
			if c.tryInstance() == nil {
				if _, err := c.awaitInstance(b.Context()); err != nil {
					b.Error(err)
				}
			}
			runtime.Gosched() // as a request that is at its instance
			c.end(r)
		}
	})
}
