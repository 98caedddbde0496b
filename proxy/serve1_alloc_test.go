package proxy

import (
	"io"
	"net"
	"strings"
	"testing"
)

// quietInstance answers each request, which must come in one piece, without allocating.
func quietInstance(e *edge, answer string) {
	e.raw("i1", func(c net.Conn) {
		defer c.Close()
		in, out := make([]byte, 64<<10), []byte(answer)
		for {
			if _, err := c.Read(in); err != nil {
				return
			}
			if _, err := c.Write(out); err != nil {
				return
			}
		}
	})
}

// small sends one request after another on a kept-alive connection.
type small struct {
	conn    net.Conn
	request []byte
	answer  []byte
}

func (e *edge) small(request string) *small {
	c, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
	if err != nil {
		e.tb.Fatal(err)
	}
	e.tb.Cleanup(func() { c.Close() })
	s := &small{c, []byte(request), make([]byte, 64<<10)}
	s.conn.Write(s.request)
	n, err := s.conn.Read(s.answer)
	if err != nil {
		e.tb.Fatal(err)
	}
	s.answer = s.answer[:n]
	return s
}

func (s *small) once(tb testing.TB) {
	if _, err := s.conn.Write(s.request); err != nil {
		tb.Fatal(err)
	}
	if _, err := io.ReadFull(s.conn, s.answer); err != nil {
		tb.Fatal(err)
	}
}

const (
	smallGET    = "GET /path?query HTTP/1.1\r\nHost: web.test\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n"
	smallPOST   = "POST / HTTP/1.1\r\nHost: web.test\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
	smallAnswer = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 5\r\n\r\nhello"
	smallChunks = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
)

// Every allocation of the program counts here, that of the goroutines that stand for client and instance too.
func TestSmallRequest_AllocatesNothing(t *testing.T) {
	for _, via := range []way{wire, loop1} {
		for name, c := range map[string]struct{ request, answer string }{
			"GET":     {smallGET, smallAnswer},
			"POST":    {smallPOST, smallAnswer},
			"chunked": {smallGET, smallChunks},
		} {
			t.Run(via.name+" "+name, func(t *testing.T) {
				if raceDetector && via.name == wire.name {
					t.Skip("under the race detector sync.Pool forgets on purpose what it was given; the loop, which keeps its own, is held to it all the same")
				}
				var ended int
				e := newEdge(t, via, func(cfg *Config) { cfg.Ended = func(r *Record) { ended += len(r.RequestID) } })
				quietInstance(e, c.answer)
				e.open("i1")
				s := e.small(c.request)
				if n := testing.AllocsPerRun(1000, func() { s.once(t) }); n != 0 {
					t.Errorf("%v allocations a request", n)
				}
			})
		}
	}
}
