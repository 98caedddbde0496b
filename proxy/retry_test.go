package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// breakingInstance reads each request and closes the connection, after it has sent what comes before that.
func breakingInstance(e *edge, id, before string, got *atomic.Int64) {
	e.raw(id, func(c net.Conn) {
		defer c.Close()
		if readRequest(c) != nil {
			got.Add(1)
			io.WriteString(c, before)
		}
	})
}

// cold makes the next request of the service go to id first, by an instance that is no better than the other.
func (e *edge) cold(id string) {
	s := e.service("web")
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, in := range s.instances {
		in.failures.Store(0)
		if in.id == id {
			s.turn = i - 1
		}
	}
}

func TestRetry_OfWhatBrokeOffIsForWhatMayBeDoneTwice(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		for _, c := range []struct {
			method, body string
			want         int
		}{
			{"GET", "", 200}, {"HEAD", "", 200}, {"OPTIONS", "", 200}, {"TRACE", "", 200}, {"PUT", "", 200}, {"DELETE", "", 200},
			{"POST", "", 502}, {"PATCH", "", 502}, {"PUT", "gone already", 502}, {"DELETE", "gone already", 502},
		} {
			var broken, retried atomic.Int64
			e := newEdge(t, via, func(cfg *Config) {
				cfg.Ended = func(r *Record) {
					if r.Retried {
						retried.Add(1)
					}
				}
			})
			breakingInstance(e, "a", "", &broken)
			var whole atomic.Int64
			e.backend("b", func(w http.ResponseWriter, r *http.Request) { whole.Add(1) })
			e.open("a", "b")
			e.cold("a")
			res, body := e.do(e.request(c.method, "/", strings.NewReader(c.body)))
			again := int64(0)
			if c.want == 200 {
				again = 1
			}
			if res.StatusCode != c.want || broken.Load() != 1 || whole.Load() != again {
				t.Errorf("%s %q: %d %q, %d broke off, %d whole", c.method, c.body, res.StatusCode, body, broken.Load(), whole.Load())
			}
			eventually(t, "the record says so", func() bool { return e.InFlight("web") == 0 && retried.Load() == again })
		}
	})
}

func TestRetry_IsMadeOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		var broken atomic.Int64
		for _, id := range []string{"a", "b", "c"} {
			breakingInstance(e, id, "", &broken)
		}
		e.open("a", "b", "c")
		if res, body := e.get("/"); res.StatusCode != 502 || broken.Load() != 2 {
			t.Errorf("%d %q after %d attempts", res.StatusCode, body, broken.Load())
		}
	})
}

func TestRetry_IsNotMadeOnceAnAnswerHasBegun(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		for _, begun := range []string{"H", "HTTP/1.1 200 OK\r\nX: y\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n", "no HTTP\r\n\r\n"} {
			e := newEdge(t, via)
			var broken atomic.Int64
			breakingInstance(e, "a", begun, &broken)
			e.backend("b", say("hello"))
			e.open("a", "b")
			e.cold("a")
			if res, body := e.get("/"); res.StatusCode != 502 || broken.Load() != 1 {
				t.Errorf("after %q: %d %q", begun, res.StatusCode, body)
			}
		}
	})
}

func TestRetry_WithoutAnotherInstanceTellsOfTheFirst(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		var broken atomic.Int64
		breakingInstance(e, "a", "", &broken)
		e.open("a")
		res, body := e.get("/")
		if res.StatusCode != 502 || !strings.Contains(body, "closed the connection before it answered") || broken.Load() != 1 {
			t.Errorf("%d %q after %d attempts", res.StatusCode, body, broken.Load())
		}
	})
}

func TestEjection_KeepsRequestsFromAnInstanceThatBreaksThemOff(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		var told atomic.Int64
		e := newEdge(t, via, func(c *Config) {
			c.Failed = func(service, id, reason string) {
				if service == "web" && id == "a" && strings.Contains(reason, "closed the connection") {
					told.Add(1)
				}
			}
		})
		var broken atomic.Int64
		breakingInstance(e, "a", "", &broken)
		e.backend("b", say("hello"))
		e.open("a", "b")
		for range 40 {
			if res, body := e.get("/"); res.StatusCode != 200 || body != "hello" {
				t.Fatalf("got %d %q", res.StatusCode, body)
			}
		}
		if n := broken.Load(); n < ejectAfter || n > 3*ejectAfter || told.Load() == 0 {
			t.Errorf("%d of 40 went to the broken instance, told %d times", n, told.Load())
		}
	})
}

// A client that sends what breaks off by its own doing must not be able to have instances ejected.
func TestEjection_IsNotBroughtAboutByClients(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via, func(c *Config) {
			c.Failed = func(_, id, reason string) { t.Errorf("%s ejected: %s", id, reason) }
		})
		for _, id := range []string{"a", "b"} {
			e.backend(id, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
		}
		e.open("a", "b")
		for range 5 * ejectAfter {
			rawExchange(t, e, "POST / HTTP/1.1\r\nHost: web.test\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n")
			c, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: web.test\r\nContent-Length: 1000\r\n\r\nhalf")
			eventually(t, "it is in flight", func() bool { return e.InFlight("web") == 1 })
			c.Close()
			eventually(t, "it has ended", func() bool { return e.InFlight("web") == 0 })
		}
	})
}

func TestEjection_DoesNotCountKeptAliveConnectionsThatWereClosed(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via, func(c *Config) {
			c.Failed = func(_, id, reason string) { t.Errorf("%s ejected: %s", id, reason) }
		})
		const conns = 2 * ejectAfter
		var arrived atomic.Int64
		all := make(chan struct{})
		for _, id := range []string{"a", "b"} {
			e.raw(id, func(c net.Conn) {
				defer c.Close()
				br := bufio.NewReader(c)
				if _, err := http.ReadRequest(br); err != nil {
					return
				}
				if arrived.Add(1) == 2*conns {
					close(all)
				}
				<-all // now all are in flight, each on a connection of its own
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				http.ReadRequest(br)
			})
		}
		e.open("a", "b")
		var clients sync.WaitGroup
		for range 2 * conns {
			clients.Go(func() { e.get("/") })
		}
		clients.Wait()
		lost := 0
		for range 2 * conns {
			if res, _ := e.do(e.request("POST", "/", nil)); res.StatusCode == 502 {
				lost++
			}
		}
		if lost < ejectAfter {
			t.Errorf("%d of %d met a closed connection: too few to say anything", lost, 2*conns)
		}
	})
}
