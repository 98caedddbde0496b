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

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

func TestRoute_ByHostWithoutPortCaseAndTrailingDot(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", say("hello"))
		e.SetInstances("web", []string{"i1"})
		e.Open("web", "Web.Test.", "www.example.com")
		for _, host := range []string{"web.test", "WEB.test:8080", "web.test.", "web.test.:80", "www.example.com"} {
			r := e.request("GET", "/", nil)
			r.Host = host
			if res, body := e.do(r); res.StatusCode != 200 || body != "hello" {
				t.Errorf("host %q: %d %q", host, res.StatusCode, body)
			}
		}
	})
}

func TestUnknownHost_GetsAppRunnersBare404(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", say("hello"))
		e.SetInstances("paused", []string{"i1"})
		e.Open("paused", "paused.test")
		if err := e.Withdraw(t.Context(), "paused"); err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"nobody.test", "paused.test"} {
			got := rawExchange(t, e, "GET / HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
			head, body, _ := strings.Cut(got, "\r\n\r\n")
			lines := strings.Split(head, "\r\n")
			if lines[0] != "HTTP/1.1 404 Not Found" || body != "0\r\n\r\n" {
				t.Errorf("%s: got %q", host, got)
			}
			for _, l := range lines[1:] {
				switch k, _, _ := strings.Cut(l, ":"); k {
				case "Date", "Transfer-Encoding", "Connection":
				default:
					t.Errorf("%s: unexpected header %q", host, l)
				}
			}
		}
	})
}

// rawExchange sends text to the edge and reads until it closes the connection.
func rawExchange(t *testing.T, e *edge, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	io.WriteString(c, text)
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("after %q: %v", got, err)
	}
	return string(got)
}

func TestOpen_TakesBackWithdrawAndReplacesHosts(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", say("hello"))
		e.open("i1")
		for range 2 { // safe to repeat
			if err := e.Withdraw(t.Context(), "web"); err != nil {
				t.Fatal(err)
			}
		}
		e.Open("web", "other.test")
		if res, _ := e.get("/"); res.StatusCode != 404 {
			t.Errorf("old host: %d", res.StatusCode)
		}
		e.Open("web", "web.test")
		if res, body := e.get("/"); res.StatusCode != 200 {
			t.Errorf("opened again: %d %q", res.StatusCode, body)
		}
	})
}

func TestNoInstance_WaitsForOneAndThenSays503(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via, func(c *Config) { c.InstanceWait = 300 * time.Millisecond })
		e.backend("i1", say("hello"))
		e.open()
		res, body := e.get("/")
		if res.StatusCode != 503 || !strings.Contains(body, "no healthy instance") || strings.Count(body, "\n") != 1 {
			t.Errorf("got %d %q", res.StatusCode, body)
		}
		go func() {
			for e.InFlight("web") == 0 {
				time.Sleep(time.Millisecond)
			}
			e.SetInstances("web", []string{"i1"})
		}()
		if res, body := e.get("/"); res.StatusCode != 200 {
			t.Errorf("with an instance coming in time: %d %q", res.StatusCode, body)
		}
	})
}

func TestBalance_LeastInFlightFirst(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		release := make(chan struct{})
		var quick atomic.Int64
		e.backend("slow", func(http.ResponseWriter, *http.Request) { <-release })
		e.backend("quick", func(http.ResponseWriter, *http.Request) { quick.Add(1) })
		e.open("slow")
		var wg sync.WaitGroup
		wg.Go(func() { e.get("/") })
		eventually(t, "the slow instance has a request", func() bool { return e.InFlight("web") == 1 })
		e.SetInstances("web", []string{"slow", "quick"})
		for range 20 {
			e.get("/")
		}
		close(release)
		wg.Wait()
		if quick.Load() != 20 {
			t.Errorf("the idle instance got %d of 20 requests", quick.Load())
		}
	})
}

func TestBalance_SpreadsOverEqualInstances(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		var n [3]atomic.Int64
		for i := range n {
			e.backend(fmt.Sprint(i), func(http.ResponseWriter, *http.Request) { n[i].Add(1) })
		}
		e.open("0", "1", "2")
		for range 90 {
			e.get("/")
		}
		for i := range n {
			if n[i].Load() < 10 {
				t.Errorf("instance %d got %d of 90 sequential requests", i, n[i].Load())
			}
		}
	})
}

func TestDeadInstance_CostsNoRequestWhileAnotherLives(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.place("dead", "") // refuses every connection
		e.backend("alive", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
		e.open("dead", "alive")
		for range 50 {
			res, body := e.do(e.request("POST", "/", strings.NewReader("payload")))
			if res.StatusCode != 200 || body != "payload" {
				t.Fatalf("got %d %q", res.StatusCode, body)
			}
		}
		if n := e.dialed("dead"); n > 10 {
			t.Errorf("the dead instance was tried %d times for 50 requests", n)
		}
	})
}

func TestSetInstances_FlippingUnderLoadLosesNoRequest(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("a", say("hello"))
		e.backend("b", say("hello"))
		e.open("a")
		stop := make(chan struct{})
		var flips sync.WaitGroup
		flips.Go(func() {
			for sets := [][]string{{"b"}, {"a", "b"}, {"a"}}; ; {
				for _, ids := range sets {
					select {
					case <-stop:
						return
					case <-time.After(time.Millisecond):
						e.SetInstances("web", ids)
					}
				}
			}
		})
		var clients sync.WaitGroup
		var bad atomic.Int64
		for range 200 {
			clients.Go(func() {
				for range 5 {
					res, err := e.Client.Do(e.request("GET", "/", nil))
					if err != nil || res.StatusCode != 200 {
						bad.Add(1)
						continue
					}
					io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
			})
		}
		clients.Wait()
		close(stop)
		flips.Wait()
		if bad.Load() != 0 {
			t.Errorf("%d of 1000 requests failed; log:\n%s", bad.Load(), e.Logged)
		}
		eventually(t, "all are counted", func() bool {
			s := e.Stats("web")
			return s.Requests == 1000 && s.InFlight == 0 && s.Responses[2] == 1000
		})
	})
}

func TestRetiredInstance_GetsNoNewRequestAndKeepsNoIdleConnection(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		gone := make(chan struct{})
		e.raw("old", func(c net.Conn) {
			br := bufio.NewReader(c)
			for {
				if _, err := http.ReadRequest(br); err != nil {
					close(gone)
					return
				}
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")
			}
		})
		e.backend("new", say("new"))
		e.open("old")
		e.get("/")
		e.SetInstances("web", []string{"new"})
		select {
		case <-gone:
		case <-time.After(30 * time.Second):
			t.Error("the idle connection to the old instance stays open")
		}
		for range 10 {
			if _, body := e.get("/"); body != "new" {
				t.Errorf("answered by %q", body)
			}
		}
	})
}
