package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestFailures_NameTheirReasonToClientAndLog(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		for name, c := range map[string]struct {
			serve  func(net.Conn) // nil: refuse
			reason string
		}{
			"refuses":       {nil, "refused the connection"},
			"hangs up":      {func(c net.Conn) { readRequest(c); c.Close() }, "closed the connection before it answered"},
			"resets":        {func(c net.Conn) { readRequest(c); c.(*net.TCPConn).SetLinger(0); c.Close() }, "closed the connection before it answered"},
			"no HTTP":       {func(c net.Conn) { readRequest(c); io.WriteString(c, "SSH-2.0-OpenSSH\r\n\r\n"); c.Close() }, "malformed answer"},
			"half a header": {func(c net.Conn) { readRequest(c); io.WriteString(c, "HTTP/1.1 200 OK\r\nX: y\r\n"); c.Close() }, "closed the connection before it answered"},
			"bad upgrade": {func(c net.Conn) {
				readRequest(c)
				io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			}, "protocol that was not asked for"},
		} {
			t.Run(name, func(t *testing.T) {
				e := newEdge(t, via)
				if e.place("i1", ""); c.serve != nil {
					e.raw("i1", c.serve)
				}
				e.open("i1")
				res, body := e.get("/")
				if res.StatusCode != 502 || !strings.Contains(body, c.reason) || strings.Count(body, "\n") != 1 {
					t.Errorf("answered %d %q", res.StatusCode, body)
				}
				eventually(t, "the request is counted", func() bool { return e.Stats("web").Responses[5] == 1 })
				log := e.Logged.String()
				for _, want := range []string{c.reason, "service=web", "instance_id=i1", "request_id=" + res.Header.Get("X-Request-Id")} {
					if !strings.Contains(log, want) {
						t.Errorf("log has no %q: %s", want, log)
					}
				}
				if strings.Count(log, "\n") != 1 {
					t.Errorf("not one line: %s", log)
				}
			})
		}
	})
}

func readRequest(c net.Conn) *http.Request {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return nil
	}
	io.Copy(io.Discard, r.Body)
	return r
}

func TestInstance_DyingInItsAnswerBreaksTheClientsConnection(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.raw("i1", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
			c.Close()
		})
		e.open("i1")
		res, err := e.Client.Do(e.request("GET", "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if body, err := io.ReadAll(res.Body); err == nil {
			t.Errorf("the client takes %q for a whole answer", body)
		}
		eventually(t, "the log says why", func() bool {
			return strings.Contains(e.Logged.String(), "in the middle of its answer")
		})
	})
}

// staleInstance answers the first request of each connection and closes it when the second arrives, as a server
// does whose keep-alive time ended at that moment.
func staleInstance(e *edge, got *atomic.Int64) {
	e.raw("i1", func(c net.Conn) {
		defer c.Close()
		br := bufio.NewReader(c)
		for first := true; ; first = false {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			io.Copy(io.Discard, r.Body)
			got.Add(1)
			if !first {
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
}

func TestStaleConnection_IsRetriedForWhatIsIdempotent(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		for method, want := range map[string]int{"GET": 200, "HEAD": 200, "DELETE": 200, "PUT": 200, "POST": 502} {
			e := newEdge(t, via)
			var got atomic.Int64
			staleInstance(e, &got)
			e.open("i1")
			e.get("/")
			if res, body := e.do(e.request(method, "/", nil)); res.StatusCode != want {
				t.Errorf("%s: %d %q", method, res.StatusCode, body)
			}
			if n, most := got.Load(), int64(3); n > most {
				t.Errorf("%s: %d requests arrived", method, n)
			}
		}
	})
}

func TestClient_GoneCancelsTheInstancesRequestAndIsNoError(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		started, cancelled := make(chan struct{}), make(chan struct{})
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			close(started)
			<-r.Context().Done()
			close(cancelled)
		})
		e.open("i1")
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-started; cancel() }()
		if _, err := e.Client.Do(e.request("GET", "/", nil).WithContext(ctx)); err == nil {
			t.Fatal("answered")
		}
		select {
		case <-cancelled:
		case <-time.After(30 * time.Second):
			t.Fatal("the instance still works for nobody")
		}
		eventually(t, "it is counted as 499", func() bool { return e.Stats("web").ClientGone == 1 })
		if log := e.Logged.String(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestClient_GoneInItsUploadIsNoErrorOfTheInstance(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
		e.open("i1")
		c, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: web.test\r\nContent-Length: 1000\r\n\r\nhalf")
		eventually(t, "it is in flight", func() bool { return e.InFlight("web") == 1 })
		c.Close()
		eventually(t, "it is counted as 499", func() bool { return e.Stats("web").ClientGone == 1 })
		if log := e.Logged.String(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestBody_MalformedByTheClientIs400(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
		e.open("i1")
		got := rawExchange(t, e, "POST / HTTP/1.1\r\nHost: web.test\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, "body is malformed") {
			t.Errorf("got %q", got)
		}
	})
}

func TestTimeout_EndsASlowUploadAndAnUnreadAnswer(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via, func(c *Config) { c.RequestTimeout = 200 * time.Millisecond })
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				io.Copy(io.Discard, r.Body)
				return
			}
			for block := make([]byte, 1<<20); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		})
		e.open("i1")
		got := rawExchange(t, e, "POST / HTTP/1.1\r\nHost: web.test\r\nContent-Length: 1000\r\n\r\nhalf")
		if !strings.HasPrefix(got, "HTTP/1.1 504 ") || !strings.Contains(got, "upstream request timeout") {
			t.Errorf("slow upload: got %q", got)
		}
		c, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() // never reads
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: web.test\r\n\r\n")
		eventually(t, "the request nobody reads the answer of ends", func() bool {
			s := e.Stats("web")
			return s.Requests == 2 && s.InFlight == 0
		})
	})
}

func TestDrain_WaitsForRequestsAndCutsWebSockets(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		release := make(chan struct{})
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/ws" {
				echoUpgrade(w, r)
				return
			}
			<-release
			io.WriteString(w, "whole")
		})
		e.open("i1")
		ws := upgrade(t, e)
		var wg sync.WaitGroup
		wg.Go(func() {
			if res, body := e.get("/"); res.StatusCode != 200 || body != "whole" {
				t.Errorf("the request in flight got %d %q", res.StatusCode, body)
			}
		})
		eventually(t, "both are in flight", func() bool { return e.InFlight("web") == 2 })
		if err := e.Drain(t.Context(), "i1"); err == nil || !strings.Contains(err.Error(), "SetInstances") {
			t.Errorf("Drain of an instance in use: %v", err)
		}
		e.SetInstances("web", nil)
		drained := make(chan error, 1)
		go func() { drained <- e.Drain(t.Context(), "i1") }()
		if n, err := ws.Read(make([]byte, 1)); err == nil || n > 0 {
			t.Errorf("the WebSocket goes on: %d, %v", n, err)
		}
		select {
		case err := <-drained:
			t.Fatalf("drained with a request in flight: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		close(release)
		if err := <-drained; err != nil {
			t.Error(err)
		}
		wg.Wait()
		if err := e.Drain(t.Context(), "never-seen"); err != nil {
			t.Error(err)
		}
	})
}

func TestWithdraw_CutsAWebSocketWhoseClientDoesNotRead(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			for block := make([]byte, 1<<20); ; {
				if _, err := c.Write(block); err != nil {
					return
				}
			}
		})
		e.open("i1")
		upgrade(t, e)
		time.Sleep(200 * time.Millisecond) // for the buffers on the way to fill
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := e.Withdraw(ctx, "web"); err != nil {
			t.Error(err)
		}
	})
}

func TestWithdraw_FinishesOrCutsWhatIsInFlight(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		e.open("i1")
		status := make(chan int, 1)
		go func() {
			res, body := e.get("/")
			if !strings.Contains(body, "stopped before it answered") {
				t.Errorf("body %q", body)
			}
			status <- res.StatusCode
		}()
		eventually(t, "it is in flight", func() bool { return e.InFlight("web") == 1 })
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		withdrawn := make(chan error, 1)
		go func() { withdrawn <- e.Withdraw(ctx, "web") }()
		eventually(t, "the host leads nowhere", func() bool { return e.lookup("web.test") == nil }) // else the next would be in flight too
		eventually(t, "new requests get 404", func() bool { res, _ := e.get("/"); return res.StatusCode == 404 })
		if err := <-withdrawn; !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 requests") {
			t.Errorf("Withdraw: %v", err)
		}
		if got := <-status; got != 503 {
			t.Errorf("the cut request got %d", got)
		}
		if err := e.Withdraw(t.Context(), "web"); err != nil {
			t.Errorf("again: %v", err)
		}
		if err := e.Withdraw(t.Context(), "unknown"); err != nil {
			t.Errorf("unknown: %v", err)
		}
	})
}
