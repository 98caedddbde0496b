package proxy

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// FuzzAbuse sends drawn bytes on each way. Whatever they are, the instance gets what the Proxy says that it sent, however it reads.
func FuzzAbuse(f *testing.F) {
	for _, a := range abuses {
		if len(a.sent) < 1000 {
			f.Add([]byte(a.sent))
		}
	}
	f.Add([]byte(post(length(5), "12345") + post(chunkedTE, "5\r\n12345\r\n0\r\nX: y\r\n\r\n") + last))
	f.Fuzz(func(t *testing.T, sent []byte) {
		if bytes.HasPrefix(sent, []byte("PRI ")) {
			return // HTTP/2 is not read so
		}
		for _, via := range ways {
			s := newScene(t, via)
			s.throw(t, via, sent)
			eventually(t, via.name+": requests ended", func() bool { return s.InFlight("web") == 0 })
			s.everyReading(t, via.name)
		}
	})
}

// throw sends the bytes and no more, and waits for the Proxy to be done with the connection.
func (s *scene) throw(t *testing.T, via way, sent []byte) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = c.Write(sent)
	_ = c.(*net.TCPConn).CloseWrite()
	_, err = io.Copy(io.Discard, c)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Errorf("%s: the connection is still open after ten seconds", via.name)
	}
}

// TestAbuse_HalfAHeadAndTheEndAtOnce: who has gone is let go of, not waited for as long as a head may take. It needs the loads of a
// busy machine to go wrong, so it is tried often.
func TestAbuse_HalfAHeadAndTheEndAtOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		s := newScene(t, via)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 100 {
					s.throw(t, via, []byte("GET /a HTTP/1.1\r\nHost: web.test\r\n"))
				}
			})
		}
		group.Wait()
	})
}
