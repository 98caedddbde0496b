package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestSmuggling_PublishedFormsReachNoInstanceAndEndTheConnection(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: web.test\r\n"
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: web.test\r\n\r\n"
	for name, text := range map[string]string{
		"CL.TE":                  post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"TE.CL":                  post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" + smuggled + "0\r\n\r\n",
		"TE.TE":                  post + "Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n0\r\n\r\n" + smuggled,
		"CL.CL":                  post + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + smuggled,
		"TE with a space":        post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"TE after a tab":         post + "\tTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"TE after a bare CR":     post + "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"TE after a bare LF":     post + "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"TE folded":              post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"TE with a vertical tab": post + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + smuggled,
		"0.CL":                   "GET / HTTP/1.1\r\nHost: web.test\r\nContent-Length:\r\n\r\n" + smuggled,
		"chunk size overflow":    post + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + smuggled,
		"chunk extension":        post + "Transfer-Encoding: chunked\r\n\r\n0;\n\r\n\r\n" + smuggled,
		"chunk with a bare LF":   post + "Transfer-Encoding: chunked\r\n\r\n0\n\n" + smuggled,
		"chunk data too long":    post + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n" + smuggled,
		"trailer that frames":    post + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 44\r\n\r\n" + smuggled,
		"two hosts":              "GET / HTTP/1.1\r\nHost: web.test\r\nHost: b.test\r\n\r\n" + smuggled,
		"two request lines":      "GET / HTTP/1.1\r\nGET /smuggled HTTP/1.1\r\nHost: web.test\r\n\r\n" + smuggled,
	} {
		t.Run(name, func(t *testing.T) {
			eachOwn(t, func(t *testing.T, via way) {
				e := newEdge(t, via)
				var arrived atomic.Int64
				e.backend("i1", func(http.ResponseWriter, *http.Request) { arrived.Add(1) })
				e.open("i1")
				got := rawExchange(t, e, text)
				if !strings.HasPrefix(got, "HTTP/1.1 400 ") && !strings.HasPrefix(got, "HTTP/1.1 501 ") ||
					strings.Count(got, "HTTP/1.1") != 1 || !strings.Contains(got, "Connection: close\r\n") {
					t.Errorf("answered %q", got)
				}
				if arrived.Load() != 0 {
					t.Errorf("%d arrived", arrived.Load())
				}
			})
		})
	}
}

// A body that none of the readers may take for a request (CL.0): it is read as the body that it is.
func TestSmuggling_BodyOfAGETIsItsBody(t *testing.T) {
	eachOwn(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", echo)
		e.open("i1")
		const inner = "GET /smuggled HTTP/1.1\r\nHost: web.test\r\n\r\n"
		got := rawExchange(t, e, "GET /outer HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\nContent-Length: "+fmt.Sprint(len(inner))+"\r\n\r\n"+inner)
		if !strings.HasSuffix(got, "GET /outer "+inner+"<nil>") || strings.Count(got, "HTTP/1.1 200") != 1 {
			t.Errorf("answered %q", got)
		}
	})
}

func TestInstance_ThatSendsMoreThanItsAnswerLosesTheConnection(t *testing.T) {
	eachOwn(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.raw("i1", func(c net.Conn) {
			for readRequest(c) != nil {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
			}
		})
		e.open("i1")
		for range 3 {
			if _, body := e.get("/"); body != "ok" {
				t.Errorf("got %q", body)
			}
		}
		if n := e.dialed("i1"); n != 3 {
			t.Errorf("%d connections for 3 requests", n)
		}
	})
}

func TestHead_LimitsAreTold(t *testing.T) {
	for want, text := range map[string]string{
		"431": "GET / HTTP/1.1\r\nHost: web.test\r\nX: " + strings.Repeat("x", 70<<10),
		"414": "GET /" + strings.Repeat("x", 70<<10),
		"505": "GET / HTTP/3.0\r\nHost: web.test\r\n\r\n",
		"417": "GET / HTTP/1.1\r\nHost: web.test\r\nExpect: much\r\n\r\n",
		"405": "CONNECT web.test:80 HTTP/1.1\r\nHost: web.test:80\r\n\r\n",
	} {
		eachOwn(t, func(t *testing.T, via way) {
			e := newEdge(t, via)
			e.open()
			if got := rawExchange(t, e, text); !strings.HasPrefix(got, "HTTP/1.1 "+want+" ") || strings.Count(got, "\n") < 4 {
				t.Errorf("%.40q: answered %q", text, got)
			}
		})
	}
}

func TestHead_OfManyKilobytesPasses(t *testing.T) {
	eachOwn(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		long := strings.Repeat("x", 40<<10)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Back", r.Header.Get("X-Long"))
		})
		e.open("i1")
		r := e.request("GET", "/", nil)
		r.Header.Set("X-Long", long)
		for range 2 {
			if res, _ := e.do(r); res.Header.Get("X-Back") != long {
				t.Errorf("%d bytes came back", len(res.Header.Get("X-Back")))
			}
		}
	})
}

func TestSlowClient_IsCutInItsHeadAndWhenIdle(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":     {"", ""},
		"half a head": {"GET / HTTP/1.1\r\nHost: web", ""},
		"next":        {"GET / HTTP/1.1\r\nHost: web.test\r\n\r\n", "HTTP/1.1 200 OK"},
	} {
		t.Run(name, func(t *testing.T) {
			eachOwn(t, func(t *testing.T, via way) {
				t.Parallel()
				e := newEdge(t, via, func(c *Config) { c.HeaderTimeout, c.KeepAlive = 500*time.Millisecond, 100*time.Millisecond })
				e.backend("i1", say("hello"))
				e.open("i1")
				if got := rawExchange(t, e, c.text); !strings.HasPrefix(got, c.want) {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}
