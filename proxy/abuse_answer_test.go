package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestAbuse_AnswerThatNobodyAskedForReachesNobody: what an instance sends beyond its answer must not become the answer to the next
// request, which may be another client's.
func TestAbuse_AnswerThatNobodyAskedForReachesNobody(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		var group sync.WaitGroup // all at once, because each waits
		defer group.Wait()
		for name, answer := range map[string]surplus{
			"with the answer":                  {ok + poison, ""},
			"after it":                         {ok, poison},
			"beyond a length":                  {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + poison, ""},
			"beyond the last chunk":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + poison, ""},
			"as the body of a 204":             {"HTTP/1.1 204 No Content\r\n\r\n" + poison, ""},
			"as the body of a 304":             {"HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n" + poison, ""},
			"half of it, with the answer":      {ok + poison[:20], poison[20:]},
			"where both lengths are told":      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + poison, ""},
			"where two lengths are told":       {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n" + poison, ""},
			"where a coding comes by HTTP/1.0": {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + poison, ""},
		} {
			group.Go(func() {
				e := newEdge(t, via)
				e.raw("i1", answer.serve)
				e.open("i1")
				for _, method := range []string{"GET", "HEAD", "POST"} {
					e.provoke(method)
					time.Sleep(50 * time.Millisecond) // for what comes later to be there
					for _, next := range []string{"GET", "POST"} {
						r := e.request(next, "/next", nil)
						r.Close = true
						if _, body := e.do(r); body != "ok" {
							t.Errorf("%s, after a %s: the next %s was answered %q", name, method, next, body)
						}
					}
				}
			})
		}
	})
}

const (
	ok     = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
)

// surplus is an instance that answers /next as it should, and anything else with first and, a little later, later.
type surplus struct{ first, later string }

func (s surplus) serve(c net.Conn) {
	defer c.Close()
	for in := bufio.NewReader(c); ; {
		r, err := http.ReadRequest(in)
		switch {
		case err != nil:
			return
		case r.URL.Path == "/next":
			_, _ = io.WriteString(c, ok)
			continue
		}
		_, _ = io.WriteString(c, s.first)
		if s.later != "" {
			time.Sleep(20 * time.Millisecond)
			_, _ = io.WriteString(c, s.later)
		}
	}
}

// provoke makes a request and takes what comes for an answer, which with some never ends.
func (e *edge) provoke(method string) {
	ctx, cancel := context.WithTimeout(e.tb.Context(), 500*time.Millisecond)
	defer cancel()
	r := e.request(method, "/first", nil).WithContext(ctx)
	r.Close = true
	if res, err := e.Client.Do(r); err == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
}

// TestAbuse_AnswersSplitNoHeaders: what an instance lets others write into its headers must not become an answer of its own.
func TestAbuse_AnswersSplitNoHeaders(t *testing.T) {
	for name, header := range map[string]string{
		"bare LF":         "X: y\nSet-Cookie: a=b\r\n",
		"bare CR":         "X: y\rSet-Cookie: a=b\r\n",
		"NUL":             "X: y\x00z\r\n",
		"a folded line":   "X: y\r\n Set-Cookie: a=b\r\n",
		"space in a name": "Set-Cookie : a=b\r\n",
		"no colon":        "Set-Cookie\r\n",
		"no name":         ": a=b\r\n",
	} {
		eachWay(t, func(t *testing.T, via way) {
			if via.name == netHTTP.name && name == "bare LF" {
				t.Skip("net/http ends a line with LF, as browsers do: the instance has written two headers")
			}
			e := newEdge(t, via)
			e.raw("i1", func(c net.Conn) {
				defer c.Close()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%s\r\nok", header)
				}
			})
			e.open("i1")
			s := &scene{edge: e}
			got := s.send(t, "GET /a HTTP/1.1\r\n"+host+"Connection: close\r\n\r\n")
			head, _, _ := strings.Cut(got, "\r\n\r\n")
			for _, line := range strings.Split(head, "\r\n")[1:] {
				if field, _, colon := strings.Cut(line, ": "); !colon || strings.ContainsAny(line, "\r\n\x00") || field == "Set-Cookie" {
					t.Errorf("%s: the client got the line %q", name, line)
				}
			}
		})
	}
}
