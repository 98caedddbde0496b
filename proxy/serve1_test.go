package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// eachOwn runs test over the ways that are ServeConn's.
func eachOwn(t *testing.T, test func(t *testing.T, via way)) {
	for _, via := range []way{wire, loop1} {
		t.Run(via.name, func(t *testing.T) { test(t, via) })
	}
}

// dialEdge opens a connection to the edge, which ends after half a minute.
func dialEdge(t *testing.T, e *edge) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	return c
}

// echo answers with what it got: method, target and body.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fmt.Fprint(w, r.Method, " ", r.RequestURI, " ", string(body), err)
}

func TestPipeline_IsAnsweredInOrder(t *testing.T) {
	eachOwn(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", echo)
		e.open("i1")
		const text = "GET /1 HTTP/1.1\r\nHost: web.test\r\n\r\n" +
			"POST /2 HTTP/1.1\r\nHost: web.test\r\nContent-Length: 3\r\n\r\nabc" +
			"\r\nPOST /3 HTTP/1.1\r\nHost: web.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
			"GET /4 HTTP/1.1\r\nHost: nobody.test\r\n\r\n" +
			"HEAD /5 HTTP/1.1\r\nHost: web.test\r\n\r\n" +
			"GET /6 HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n"
		want := []string{"200 GET /1 <nil>", "200 POST /2 abc<nil>", "200 POST /3 abc<nil>", "404 ", "200 ", "200 GET /6 <nil>"}
		for size := range []int{1, 7, 50, len(text)} {
			c := dialEdge(t, e)
			go func() {
				for at := 0; at < len(text); at += size + 1 {
					io.WriteString(c, text[at:min(at+size+1, len(text))])
				}
			}()
			br := bufio.NewReader(c)
			for i, w := range want {
				res, err := http.ReadResponse(br, &http.Request{Method: map[bool]string{true: "HEAD"}[i == 4]})
				if err != nil {
					t.Fatalf("answer %d: %v", i+1, err)
				}
				body, _ := io.ReadAll(res.Body)
				if got := fmt.Sprint(res.StatusCode, " ", string(body)); got != w {
					t.Errorf("answer %d: got %q, want %q", i+1, got, w)
				}
			}
			if rest, err := io.ReadAll(br); len(rest) > 0 || err != nil {
				t.Errorf("after the last answer: %q, %v", rest, err)
			}
		}
	})
}

func TestHTTP10_IsSpokenToClientsThatDo(t *testing.T) {
	eachOwn(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/whole" {
				io.WriteString(w, "whole")
				return
			}
			io.WriteString(w, "one")
			http.NewResponseController(w).Flush() // chunked, to the proxy
			io.WriteString(w, "two")
		})
		e.open("i1")
		got := rawExchange(t, e, "GET / HTTP/1.0\r\nHost: web.test\r\nConnection: keep-alive\r\n\r\n")
		if !strings.HasSuffix(got, "\r\n\r\nonetwo") || !strings.Contains(got, "Connection: close\r\n") || strings.Contains(got, "chunked") {
			t.Errorf("chunked answer: %q", got)
		}
		c := dialEdge(t, e)
		br := bufio.NewReader(c)
		for range 2 {
			io.WriteString(c, "GET /whole HTTP/1.0\r\nHost: web.test\r\nConnection: keep-alive\r\n\r\n")
			res, err := http.ReadResponse(br, nil)
			if err != nil || res.Close || res.ContentLength != 5 {
				t.Fatalf("kept alive: %v, %v", res, err)
			}
			if body, err := io.ReadAll(res.Body); string(body) != "whole" {
				t.Errorf("got %q, %v", body, err)
			}
		}
		if got := rawExchange(t, e, "GET / HTTP/1.0\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 404 ") || !strings.HasSuffix(got, "\r\n\r\n") {
			t.Errorf("without a host: %q", got)
		}
	})
}

func TestAnswer_FramingReachesTheClientWhole(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 20<<10)
	for name, c := range map[string]struct {
		method, answer, body string
	}{
		"until close":           {"GET", "HTTP/1.1 200 OK\r\n\r\nto the end", "to the end"},
		"until close, HTTP/1.0": {"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n" + long, long},
		"until close, empty":    {"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", ""},
		"counted":               {"GET", "HTTP/1.1 200 OK\r\nContent-Length: " + fmt.Sprint(len(long)) + "\r\n\r\n" + long, long},
		"chunked":               {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("a\r\n0123456789\r\n", 9000) + "0\r\n\r\n", strings.Repeat("0123456789", 9000)},
		"no content":            {"GET", "HTTP/1.1 204 No Content\r\n\r\n", ""},
		"not modified":          {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", ""},
		"head":                  {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", ""},
		"head, chunked":         {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
		"after interim ones":    {"GET", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			eachOwn(t, func(t *testing.T, via way) {
				for _, piece := range []int{1, 1000, 1 << 20} {
					if piece == 1 && len(c.answer) > 1000 {
						continue
					}
					e := newEdge(t, via)
					e.raw("i1", func(conn net.Conn) {
						defer conn.Close()
						if readRequest(conn) == nil {
							return
						}
						for answer := c.answer; answer != ""; {
							n := min(piece, len(answer))
							if _, err := io.WriteString(conn, answer[:n]); err != nil {
								return
							}
							answer = answer[n:]
						}
					})
					e.open("i1")
					client := dialEdge(t, e)
					io.WriteString(client, c.method+" / HTTP/1.1\r\nHost: web.test\r\n\r\nGET / HTTP/1.1\r\nHost: nobody.test\r\nConnection: close\r\n\r\n")
					br := bufio.NewReader(client)
					res := finalResponse(t, br, c.method)
					if body, err := io.ReadAll(res.Body); string(body) != c.body || err != nil {
						t.Errorf("pieces of %d: %d bytes, %v", piece, len(body), err)
					}
					if next, err := http.ReadResponse(br, nil); err != nil || next.StatusCode != 404 {
						t.Errorf("pieces of %d: the next answer: %v, %v", piece, next, err)
					}
				}
			})
		})
	}
}

// finalResponse skips the interim ones.
func finalResponse(t *testing.T, br *bufio.Reader, method string) *http.Response {
	t.Helper()
	for {
		res, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode >= 200 {
			return res
		}
	}
}

func TestEarlyAnswer_ReachesAClientThatStillSends(t *testing.T) {
	eachOwn(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		answered := make(chan struct{})
		defer close(answered)
		e.raw("i1", func(c net.Conn) {
			http.ReadRequest(bufio.NewReader(c))
			io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nstop")
			<-answered // closing a connection with unread bytes loses what was sent on it
			c.Close()
		})
		e.open("i1")
		c := dialEdge(t, e)
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: web.test\r\nContent-Length: 10000000\r\n\r\n")
		go c.Write(make([]byte, 200<<10))
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != 413 {
			t.Fatalf("%v, %v", res, err)
		}
		if body, err := io.ReadAll(res.Body); string(body) != "stop" {
			t.Errorf("got %q, %v", body, err)
		}
	})
}

func TestDownload_ToASlowReaderArrivesWhole(t *testing.T) {
	eachOwn(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		const size = 16 << 20
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = byte(i * 7)
			}
			for range size / len(block) {
				w.Write(block)
			}
		})
		e.open("i1")
		res, err := e.Client.Do(e.request("GET", "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var n int
		for buf := make([]byte, 100_000); ; {
			m, err := io.ReadFull(res.Body, buf)
			for i := range buf[:m] {
				if buf[i] != byte((n+i)%(1<<20)*7) {
					t.Fatalf("byte %d is another", n+i)
				}
			}
			if n += m; err != nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if n != size {
			t.Errorf("%d of %d bytes", n, size)
		}
	})
}

func TestBodies_OfAllSizesComeBackOnEveryConnection(t *testing.T) {
	eachOwn(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.URL.Query().Has("counted") {
				w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			}
			w.Write(body)
		})
		e.open("i1")
		var clients sync.WaitGroup
		for client := range 16 {
			clients.Go(func() {
				for i, size := range []int{0, 1, 100, 3000, 4096, 8 << 10, 16<<10 + 1, 33 << 10, 64 << 10, 200 << 10, 1 << 20} {
					sent := bytes.Repeat([]byte{byte(client), byte(i), byte(size >> 8)}, size/3+1)[:size]
					var body io.Reader = bytes.NewReader(sent)
					if (client+i)%2 == 0 {
						body = io.MultiReader(body) // chunked
					}
					r, _ := http.NewRequest("POST", e.URL+map[bool]string{true: "/?counted", false: "/"}[client%3 == 0], body)
					r.Host = "web.test"
					res, err := e.Client.Do(r)
					if err != nil {
						t.Errorf("%d bytes: %v", size, err)
						return
					}
					if got, err := io.ReadAll(res.Body); !bytes.Equal(got, sent) {
						t.Errorf("%d bytes sent, %d came back: %v", size, len(got), err)
					}
					res.Body.Close()
				}
			})
		}
		clients.Wait()
	})
}
