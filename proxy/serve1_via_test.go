package proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestRecord_SaysWhatPassed(t *testing.T) {
	eachOwn(t, func(t *testing.T, via way) {
		records := make(chan Record, 1)
		e := newEdge(t, via, func(c *Config) {
			c.Ended = func(r *Record) {
				own := *r
				for _, s := range []*string{&own.RequestID, &own.Method, &own.Host, &own.Target, &own.Agent, &own.Referer} {
					*s = strings.Clone(*s) // valid during the call only
				}
				records <- own
			}
		})
		e.backend("i1", echo)
		e.open("i1")
		r := e.request("PUT", "/a?b", strings.NewReader("hello"))
		r.Header.Set("Referer", "http://from.test/")
		r.Header.Set("User-Agent", "me")
		r.Header.Set("X-Request-Id", "id-1")
		_, body := e.do(r)
		got := <-records
		if got.Took <= 0 || got.FirstByte <= 0 || got.FirstByte > got.Took {
			t.Errorf("times %v, %v", got.FirstByte, got.Took)
		}
		got.Began, got.Took, got.FirstByte = time.Time{}, 0, 0
		want := Record{Service: "web", Instance: "i1", RequestID: "id-1", Method: "PUT", Host: "web.test", Target: "/a?b", Proto: "HTTP/1.1",
			Client: "127.0.0.1", Agent: "me", Referer: "http://from.test/", Status: 200, Received: 5, Sent: int64(len(body))}
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestVia_FallbackGetsTheConnectionOfAServiceThatSpeaksHTTP2(t *testing.T) {
	for _, as := range []func(net.Conn) net.Conn{func(c net.Conn) net.Conn { return c }, func(c net.Conn) net.Conn { return struct{ net.Conn }{c} }} {
		e := newEdge(t, netHTTP)
		e.backend("i1", say("hello"))
		e.open("i1")
		e.SetLimits("h2c", Limits{H2C: true})
		e.Open("h2c", "h2c.test")
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		got := make(chan string, 1)
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			e.ServeConn(as(c), nil, Via{Fallback: func(c net.Conn, read []byte) {
				defer c.Close()
				more := make([]byte, 4)
				io.ReadFull(c, more)
				got <- string(read) + string(more)
				io.WriteString(c, "taken")
			}})
		}()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		const request = "POST / HTTP/1.1\r\nHost: h2c.test\r\nContent-Length: 4\r\n\r\n"
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: web.test\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		io.WriteString(c, request)
		time.AfterFunc(10*time.Millisecond, func() { io.WriteString(c, "body") })
		if s := <-got; s != request+"body" {
			t.Errorf("Fallback got %q", s)
		}
		if answer, err := io.ReadAll(c); string(answer) != "taken" || err != nil {
			t.Errorf("the client got %q, %v", answer, err)
		}
	}
}

func TestVia_LastAnswerSaysSoAndIdleIsTold(t *testing.T) {
	eachOwn(t, func(t *testing.T, _ way) {
		e := newEdge(t, netHTTP)
		e.backend("i1", say("hello"))
		e.open("i1")
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		var via Via
		via.Idle, via.Last = &atomic.Bool{}, &atomic.Bool{}
		go func() {
			if c, err := l.Accept(); err == nil {
				e.ServeConn(c, nil, via)
			}
		}()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		br := bufio.NewReader(c)
		eventually(t, "it is idle", via.Idle.Load)
		io.WriteString(c, "GET / HTTP/1.1\r\n")
		eventually(t, "it is idle no more", func() bool { return !via.Idle.Load() })
		io.WriteString(c, "Host: web.test\r\n\r\n")
		if res, err := http.ReadResponse(br, nil); err != nil || res.Close {
			t.Fatalf("%v, %v", res, err)
		}
		via.Last.Store(true)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: web.test\r\n\r\n")
		br.Discard(len("hello"))
		if res, err := http.ReadResponse(br, nil); err != nil || !res.Close {
			t.Fatalf("the last answer: %v, %v", res, err)
		}
	})
}

func TestConnection_ClosedFromOutsideEndsItsRequest(t *testing.T) {
	eachOwn(t, func(t *testing.T, via way) {
		e := newEdge(t, netHTTP)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		e.open("i1")
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		stop := via.serve(e.Proxy, l)
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: web.test\r\n\r\n")
		eventually(t, "it is in flight", func() bool { return e.InFlight("web") == 1 })
		stop() // returns when the connection has ended
		if n := e.InFlight("web"); n != 0 {
			t.Errorf("%d in flight", n)
		}
	})
}

func TestUpgrade_CountsBytesBothWays(t *testing.T) {
	eachOwn(t, func(t *testing.T, via way) {
		records := make(chan Record, 1)
		e := newEdge(t, via, func(c *Config) { c.Ended = func(r *Record) { records <- *r } })
		e.backend("i1", echoUpgrade)
		e.open("i1")
		c := upgrade(t, e)
		io.WriteString(c, "ping")
		io.ReadFull(c, make([]byte, 4))
		c.Close()
		select {
		case r := <-records:
			if !r.Upgraded || r.Status != 101 || r.Received != 4 || r.Sent != 4 {
				t.Errorf("%+v", r)
			}
		case <-time.After(30 * time.Second):
			t.Error("the request has not ended")
		}
	})
}

func TestTimeout_OfAWaitingRequestIsToldInTheLoop(t *testing.T) {
	e := newEdge(t, loop1, func(c *Config) { c.RequestTimeout = 50 * time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			select {
			case <-r.Context().Done():
			case <-ctx.Done():
			}
		}
	})
	e.open("i1")
	e.get("/") // leaves an idle connection, so that the next is the loop's
	res, body := e.get("/slow")
	if res.StatusCode != 504 || !strings.Contains(body, "upstream request timeout") {
		t.Errorf("got %d %q", res.StatusCode, body)
	}
}
