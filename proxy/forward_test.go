package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/netip"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// seen runs r against a backend that notes what arrives.
func seen(t *testing.T, via way, change func(*http.Request), cfg ...func(*Config)) *http.Request {
	t.Helper()
	e := newEdge(t, via, cfg...)
	var got *http.Request
	e.backend("i1", func(_ http.ResponseWriter, r *http.Request) { got = r })
	e.open("i1")
	r := e.request("GET", "/", nil)
	change(r)
	e.do(r)
	return got
}

func TestForwardedHeaders_CannotBeSpoofed(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		got := seen(t, via, func(r *http.Request) {
			r.Header.Set("X-Forwarded-For", "6.6.6.6")
			r.Header.Set("X-Forwarded-Proto", "https")
			r.Header.Set("X-Forwarded-Host", "evil.test")
			r.Header.Set("X-Forwarded-Port", "1")
			r.Header.Set("Forwarded", "for=6.6.6.6")
			r.Header.Set("Connection", "X-Forwarded-For, X-Request-Id")
		})
		for k, want := range map[string]string{
			"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http",
			"X-Forwarded-Host": "", "X-Forwarded-Port": "", "Forwarded": "",
		} {
			if v := got.Header.Get(k); v != want {
				t.Errorf("%s = %q, want %q", k, v, want)
			}
		}
		if got.Host != "web.test" {
			t.Errorf("Host %q", got.Host)
		}
		if len(got.Header.Get("X-Request-Id")) != 36 {
			t.Errorf("X-Request-Id %q", got.Header.Get("X-Request-Id"))
		}
	})
}

func TestForwardedHeaders_OfATrustedProxyAreKept(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		got := seen(t, via, func(r *http.Request) {
			r.Header.Set("X-Forwarded-For", "203.0.113.7")
			r.Header.Set("X-Forwarded-Proto", "https")
		}, func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
		if v := got.Header.Get("X-Forwarded-For"); v != "203.0.113.7, 127.0.0.1" {
			t.Errorf("X-Forwarded-For %q", v)
		}
		if v := got.Header.Get("X-Forwarded-Proto"); v != "https" {
			t.Errorf("X-Forwarded-Proto %q", v)
		}
	})
}

func TestRequestID_IsPassedThrough(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		got := seen(t, via, func(r *http.Request) { r.Header.Set("X-Request-Id", "my-id") })
		if v := got.Header.Get("X-Request-Id"); v != "my-id" {
			t.Errorf("X-Request-Id %q", v)
		}
	})
}

func TestTarget_PassesAsTheClientWroteIt(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		targets := make(chan string, 1)
		e.backend("i1", func(_ http.ResponseWriter, r *http.Request) { targets <- r.RequestURI })
		e.open("i1")
		for _, target := range []string{"/", "/a%2Fb|c?x=1;y=2&z=%zz", "//double//", "/a?", "/%E4", "/a/../b", "/?a=b?c"} {
			rawExchange(t, e, "GET "+target+" HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n")
			if got := <-targets; got != target {
				t.Errorf("sent %q, arrived %q", target, got)
			}
		}
	})
}

func TestHopByHopHeaders_AreRemoved(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			for _, k := range []string{"Connection", "Keep-Alive", "Proxy-Authorization", "X-Hop", "Idempotency-Key"} {
				if v, ok := r.Header[k]; ok {
					t.Errorf("arrived: %s: %q", k, v)
				}
			}
			w.Header().Set("Keep-Alive", "timeout=5")
			w.Header().Set("Server", "app/1.0")
		})
		e.open("i1")
		r := e.request("DELETE", "/", nil)
		r.Header.Set("Connection", "X-Hop, Keep-Alive")
		r.Header.Set("X-Hop", "1")
		r.Header.Set("Keep-Alive", "1")
		r.Header.Set("Proxy-Authorization", "Basic eDp5")
		res, _ := e.do(r)
		if res.Header.Get("Keep-Alive") != "" || res.Header.Get("Server") != "app/1.0" {
			t.Errorf("answer headers %v", res.Header)
		}
	})
}

func TestAnswer_PassesUntouched(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			w.Header().Set("Content-Encoding", "gzip") // it is not: nobody may look into it
			w.WriteHeader(418)
			io.WriteString(w, "<html>")
		})
		e.open("i1")
		r := e.request("GET", "/", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		res, body := e.do(r)
		if _, guessed := res.Header["Content-Type"]; guessed || res.StatusCode != 418 || body != "<html>" {
			t.Errorf("%d %v %q", res.StatusCode, res.Header, body)
		}
	})
}

func TestStream_ServerSentEventsArriveOneByOne(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		for _, length := range []string{"", "12"} { // unknown, and known beforehand
			e := newEdge(t, via)
			next := make(chan struct{})
			e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
				if length != "" {
					w.Header().Set("Content-Length", length)
				}
				for i := range 3 {
					fmt.Fprintf(w, "ev%d\n", i)
					http.NewResponseController(w).Flush()
					<-next
				}
			})
			e.open("i1")
			res, err := e.Client.Do(e.request("GET", "/", nil))
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(res.Body)
			for i := range 3 {
				line, err := lines.ReadString('\n')
				if want := fmt.Sprintf("ev%d\n", i); line != want || err != nil {
					t.Fatalf("length %q: got %q, %v", length, line, err)
				}
				next <- struct{}{}
			}
			res.Body.Close()
		}
	})
}

func TestStream_UploadReachesTheInstanceWhileItIsSent(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			rc.EnableFullDuplex()
			br := bufio.NewReader(r.Body)
			for {
				line, err := br.ReadString('\n')
				if err != nil {
					break
				}
				io.WriteString(w, "got "+line)
				rc.Flush()
			}
			w.Header().Set(http.TrailerPrefix+"X-Sum", r.Trailer.Get("X-Check"))
		})
		e.open("i1")
		c, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(30 * time.Second))
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: web.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Check\r\n\r\n")
		br := bufio.NewReader(c)
		io.WriteString(c, "4\r\none\n\r\n")
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(res.Body)
		if line, err := lines.ReadString('\n'); line != "got one\n" {
			t.Fatalf("got %q, %v", line, err)
		}
		io.WriteString(c, "4\r\ntwo\n\r\n0\r\nX-Check: sum\r\n\r\n")
		if line, err := lines.ReadString('\n'); line != "got two\n" {
			t.Fatalf("got %q, %v", line, err)
		}
		io.Copy(io.Discard, lines)
		if got := res.Trailer.Get("X-Sum"); got != "sum" {
			t.Errorf("trailer %q in %v", got, res.Trailer)
		}
	})
}

func TestUpload_OfManyMegabytesArrivesWhole(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n, err)
		})
		e.open("i1")
		const size = 32 << 20
		if _, body := e.do(e.request("POST", "/", bytes.NewReader(make([]byte, size)))); body != fmt.Sprint(size, " <nil>") {
			t.Errorf("got %q", body)
		}
	})
}

func TestExpectContinue_IsAnsweredByTheInstance(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		for name, want := range map[string]int{"/takes": 100, "/refuses": 413} {
			e := newEdge(t, via)
			e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/refuses" {
					w.WriteHeader(413)
					return
				}
				io.Copy(io.Discard, r.Body)
			})
			e.open("i1")
			c, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(30 * time.Second))
			io.WriteString(c, "POST "+name+" HTTP/1.1\r\nHost: web.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
			first, err := textproto.NewReader(bufio.NewReader(c)).ReadLine()
			if !strings.HasPrefix(first, fmt.Sprintf("HTTP/1.1 %d ", want)) {
				t.Errorf("%s: got %q, %v", name, first, err)
			}
		}
	})
}

func TestEarlyHints_ArePassedOn(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(103)
		})
		e.open("i1")
		var hints atomic.Int64
		r := e.request("GET", "/", nil)
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error { hints.Add(int64(code)); return nil },
		}))
		if res, _ := e.do(r); hints.Load() != 103 || res.StatusCode != 200 {
			t.Errorf("hints %d, status %d", hints.Load(), res.StatusCode)
		}
	})
}

// echoUpgrade speaks a protocol of its own after the switch: every byte comes back.
func echoUpgrade(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "websocket" {
		http.Error(w, "no upgrade asked for", 400)
		return
	}
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer c.Close()
	io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	io.Copy(c, rw)
}

// upgrade opens an upgraded connection through the edge.
func upgrade(t *testing.T, e *edge) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: web.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || res.StatusCode != 101 || res.Header.Get("Connection") != "Upgrade" {
		t.Fatalf("upgrade: %v, %v", res, err)
	}
	return c
}

func TestWebSocket_PassesBothWaysBeyondTheTimeLimit(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via, func(c *Config) { c.RequestTimeout = 100 * time.Millisecond })
		e.backend("i1", echoUpgrade)
		e.open("i1")
		c := upgrade(t, e)
		for range 3 {
			time.Sleep(80 * time.Millisecond)
			io.WriteString(c, "ping")
			got := make([]byte, 4)
			if _, err := io.ReadFull(c, got); err != nil || string(got) != "ping" {
				t.Fatalf("got %q, %v", got, err)
			}
		}
		c.Close()
		eventually(t, "the connection is counted as ended", func() bool { return e.Stats("web").Responses[1] == 1 && e.InFlight("web") == 0 })
	})
}

func TestUpgrade_ToWhatIsNoProtocolIs400(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.open("i1")
		got := rawExchange(t, e, "GET / HTTP/1.1\r\nHost: web.test\r\nConnection: Upgrade, close\r\nUpgrade: \xff\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 400 ") {
			t.Errorf("answered %q", got)
		}
	})
}

func TestH2C_UpgradeIsIgnored(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		got := seen(t, via, func(r *http.Request) {
			r.Header.Set("Connection", "Upgrade, HTTP2-Settings")
			r.Header.Set("Upgrade", "h2c")
			r.Header.Set("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")
		})
		if got.Header.Get("Upgrade") != "" || got.Header.Get("Http2-Settings") != "" {
			t.Errorf("arrived: %v", got.Header)
		}
	})
}

func TestSmuggling_AmbiguousLengthsNeverReachAnInstance(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		var arrived atomic.Int64
		e.backend("i1", func(http.ResponseWriter, *http.Request) { arrived.Add(1) })
		e.open("i1")
		for _, head := range []string{
			"Content-Length: 3\r\nContent-Length: 5\r\n",
			"Transfer-Encoding: chunked, identity\r\n",
			"Transfer-Encoding : chunked\r\n",
			"Content-Length: +3\r\n",
		} {
			got := rawExchange(t, e, "POST / HTTP/1.1\r\nHost: web.test\r\n"+head+"Connection: close\r\n\r\nabc")
			if !strings.HasPrefix(got, "HTTP/1.1 400") && !strings.HasPrefix(got, "HTTP/1.1 501") {
				t.Errorf("%q: answered %q", head, got)
			}
		}
		if arrived.Load() != 0 {
			t.Errorf("%d arrived", arrived.Load())
		}
	})
}

func TestTLS_AndHTTP2AreToldTheInstanceAsHTTPS(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		e := newEdge(t, netHTTP)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, io.MultiReader(strings.NewReader(r.Proto+" "+r.Header.Get("X-Forwarded-Proto")+" "), r.Body))
		})
		e.open("i1")
		srv := httptest.NewUnstartedServer(e.Proxy)
		srv.EnableHTTP2 = h2
		srv.StartTLS()
		defer srv.Close()
		e.URL, e.Client = srv.URL, srv.Client()
		res, body := e.do(e.request("POST", "/", strings.NewReader("payload")))
		if res.ProtoMajor == 2 != h2 || body != "HTTP/1.1 https payload" {
			t.Errorf("%s: %q", res.Proto, body)
		}
	}
}
