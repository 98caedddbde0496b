package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// holdingInstance answers when release is closed and says on arrived that a request is there.
func holdingInstance(e *edge, id string) (arrived chan string, release chan struct{}) {
	arrived, release = make(chan string, 100), make(chan struct{})
	e.backend(id, func(w http.ResponseWriter, r *http.Request) {
		arrived <- r.URL.Path
		<-release
		io.WriteString(w, id)
	})
	return arrived, release
}

func TestLimit_OverloadIsAnswered429WithRetryAfter(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		arrived, release := holdingInstance(e, "i1")
		e.SetLimits("web", Limits{Concurrency: 1, MaxInstances: 1, Queue: 1})
		e.open("i1")
		var clients sync.WaitGroup
		clients.Go(func() {
			if res, body := e.get("/first"); res.StatusCode != 200 || body != "i1" {
				t.Errorf("the one at the instance got %d %q", res.StatusCode, body)
			}
		})
		<-arrived
		clients.Go(func() { e.wantOverload(t, "late", "MaxConcurrency of 1 for 30s") })
		eventually(t, "one waits", func() bool { return e.Load("web").Waiting == 1 })
		e.wantOverload(t, "more than the queue takes", "1 requests wait")
		e.SetLimits("web", Limits{Concurrency: 1, MaxInstances: 1, Queue: 1, QueueTime: time.Nanosecond}) // the 30 s are over
		eventually(t, "none waits", func() bool { return e.Load("web").Waiting == 0 })
		close(release)
		clients.Wait()
		if n := strings.Count(e.Logged.String(), "\n"); n != 1 {
			t.Errorf("two refusals make %d lines in ten seconds: %s", n, e.Logged)
		}
	})
}

func (e *edge) wantOverload(t *testing.T, when, text string) {
	t.Helper()
	res, body := e.get("/")
	if res.StatusCode != 429 || res.Header.Get("Retry-After") != "5" || !strings.Contains(body, text) || strings.Count(body, "\n") != 1 {
		t.Errorf("%s: %d, Retry-After %q, %q", when, res.StatusCode, res.Header.Get("Retry-After"), body)
	}
}

func TestLimit_HoldsWhileManyClientsAsk(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		var now, most atomic.Int64
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			n := now.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			time.Sleep(time.Millisecond)
			now.Add(-1)
		})
		e.SetLimits("web", Limits{Concurrency: 4, MaxInstances: 1})
		e.open("i1")
		var clients sync.WaitGroup
		for range 50 {
			clients.Go(func() {
				for range 4 {
					if res, body := e.get("/"); res.StatusCode != 200 {
						t.Errorf("got %d %q", res.StatusCode, body)
					}
				}
			})
		}
		clients.Wait()
		// An instance may see the next request a moment before its handler of the last one has returned.
		if n := most.Load(); n < 2 || n > 4+1 {
			t.Errorf("up to %d at once, with a limit of 4", n)
		}
	})
}

func TestRequestTimeout_IsTheServices(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		_, release := holdingInstance(e, "i1")
		defer close(release)
		e.SetLimits("web", Limits{RequestTimeout: 100 * time.Millisecond})
		e.open("i1")
		if res, body := e.get("/"); res.StatusCode != 504 || !strings.Contains(body, "within 100ms") {
			t.Errorf("got %d %q", res.StatusCode, body)
		}
	})
}

func TestBodyLimit_Is413KnownBeforehandOrNot(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n)
		})
		e.SetLimits("web", Limits{BodyLimit: 10})
		e.open("i1")
		for _, c := range []struct {
			head, body string
			want       int
		}{
			{"Content-Length: 10\r\n", "0123456789", 200},
			{"Content-Length: 11\r\n", "01234567890", 413},
			{"Content-Length: 11\r\nExpect: 100-continue\r\n", "", 413},
			{"Transfer-Encoding: chunked\r\n", "a\r\n0123456789\r\n0\r\n\r\n", 200},
			{"Transfer-Encoding: chunked\r\n", "a\r\n0123456789\r\n1\r\n0\r\n0\r\n\r\n", 413},
		} {
			got := rawExchange(t, e, "POST / HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n"+c.head+"\r\n"+c.body)
			if !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", c.want)) {
				t.Errorf("%q: want %d, got %q", c.head+c.body, c.want, got)
			}
			if c.want == 413 && !strings.Contains(got, "longer than the 10 bytes") {
				t.Errorf("%q: the answer does not say why: %q", c.head, got)
			}
		}
		if log := e.Logged.String(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

// dialPipe opens a connection to the edge in a bubble.
func dialPipe(t *testing.T, l *pipeListener) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := l.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

func TestBodyIdle_EndsAnUploadThatStallsFor60Seconds(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		bubble(t, via, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) },
			func(t *testing.T, p *Proxy, _ *http.Client, l *pipeListener) {
				c, br := dialPipe(t, l)
				defer c.Close()
				io.WriteString(c, "POST / HTTP/1.1\r\nHost: web.test\r\nContent-Length: 1000\r\n\r\n")
				time.Sleep(50 * time.Second)
				io.WriteString(c, "half")
				began := time.Now()
				res, err := http.ReadResponse(br, nil)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); res.StatusCode != 408 || !res.Close || took != time.Minute {
					t.Errorf("got %v after %v", res, took)
				}
			})
	})
}

func TestBodyIdle_LeavesAnUploadThatTakesItsTime(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		bubble(t, via, func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n, err)
		}, func(t *testing.T, p *Proxy, _ *http.Client, l *pipeListener) {
			c, br := dialPipe(t, l)
			defer c.Close()
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: web.test\r\nContent-Length: 2\r\n\r\n")
			for range 2 {
				time.Sleep(59 * time.Second)
				io.WriteString(c, "x")
			}
			res, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := io.ReadAll(res.Body); string(body) != "2 <nil>" {
				t.Errorf("got %d %q", res.StatusCode, body)
			}
		})
	})
}

func TestBodyIdle_LeavesAConversationAlone(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		bubble(t, via, func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			rc.EnableFullDuplex()
			time.Sleep(10 * time.Second)
			io.WriteString(w, "ready\n")
			rc.Flush()
			io.Copy(w, r.Body)
		}, func(t *testing.T, p *Proxy, _ *http.Client, l *pipeListener) {
			c, br := dialPipe(t, l)
			defer c.Close()
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: web.test\r\nTransfer-Encoding: chunked\r\n\r\n")
			res, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(res.Body)
			if line, err := lines.ReadString('\n'); line != "ready\n" {
				t.Fatalf("got %q, %v", line, err)
			}
			time.Sleep(100 * time.Second) // neither side says a word
			go io.WriteString(c, "5\r\nhello\r\n0\r\n\r\n")
			if rest, err := io.ReadAll(lines); string(rest) != "hello" || err != nil {
				t.Errorf("got %q, %v", rest, err)
			}
		})
	})
}

// As a stream of events is between two of them.
func TestBodyIdle_LeavesAnAnswerThatIsSilent(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		bubble(t, via, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "one ")
			http.NewResponseController(w).Flush()
			time.Sleep(110 * time.Second)
			io.WriteString(w, "two")
		}, func(t *testing.T, p *Proxy, client *http.Client, _ *pipeListener) {
			if _, body, err := fetch(t, client); body != "one two" || err != nil {
				t.Errorf("got %q, %v", body, err)
			}
		})
	})
}

func TestBodyIdle_EndsAnAnswerThatNobodyReads(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		var reason atomic.Pointer[string]
		e := newEdge(t, via, func(c *Config) {
			c.BodyIdle = 200 * time.Millisecond
			c.Ended = func(r *Record) { reason.Store(new(strings.Clone(r.Reason))) }
		})
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			for block := make([]byte, 1<<20); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		})
		e.open("i1")
		c, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() // never reads
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: web.test\r\n\r\n")
		eventually(t, "it ends", func() bool { return reason.Load() != nil })
		if got := *reason.Load(); got != errAnswerStalled.Error() {
			t.Errorf("reason %q", got)
		}
	})
}
