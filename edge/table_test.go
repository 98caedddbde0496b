package edge

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// hold opens n connections that the server has seen.
func (d *door) hold(n int, from ...string) []net.Conn {
	d.tb.Helper()
	before := len(d.conns.list())
	var list []net.Conn
	for range n {
		list = append(list, d.connect(from...))
	}
	eventually(d.tb, "the connections have their places", func() bool { return len(d.conns.list()) == before+n })
	return list
}

func TestTable_TellsWhoeverIsOneTooMany(t *testing.T) {
	d := newDoor(t, echo, func(c *Config) { c.MaxConns, c.MaxConnsPerClient = 3, 3 })
	held := d.hold(3)

	plain := d.connect()
	say(t, plain, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	if text := ended(t, plain); !strings.HasPrefix(text, "HTTP/1.1 503 ") || !strings.Contains(text, "Retry-After: ") || !strings.Contains(text, "all connections") {
		t.Errorf("HTTP/1.1 is told %q", text)
	}
	if _, err := tls.Dial("tcp", d.addr, d.roots()); err == nil || !strings.HasSuffix(err.Error(), "remote error: tls: internal error") {
		t.Errorf("TLS is told %v", err)
	}
	if e := refusedHTTP2(t, d.connect()); e.ErrCode != http2.ErrCodeEnhanceYourCalm || !strings.Contains(string(e.DebugData()), "all connections") {
		t.Errorf("HTTP/2 is told %v", e)
	}
	if text := ended(t, d.connect()); text != "" {
		t.Errorf("who says nothing is told %q", text)
	}
	if lines := d.logged.count("connections refused"); lines != 1 {
		t.Errorf("%d lines in the log, want one a minute:\n%s", lines, d.logged)
	}

	held[0].Close()
	eventually(t, "a place that was given free is taken", func() bool {
		out, err := d.curl("http://" + host + "/")
		return err == nil && out == "GET / http"
	})
}

// refusedHTTP2 reads as a client does that speaks HTTP/2 at once, up to GOAWAY.
func refusedHTTP2(t *testing.T, c net.Conn) *http2.GoAwayFrame {
	t.Helper()
	say(t, c, preface)
	framer := http2.NewFramer(c, c)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	if f, err := framer.ReadFrame(); err != nil || f.Header().Type != http2.FrameSettings {
		t.Fatalf("first frame = %v, %v", f, err)
	}
	f, err := framer.ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	away, ok := f.(*http2.GoAwayFrame)
	if !ok {
		t.Fatalf("second frame = %v", f)
	}
	return away
}

func TestTable_BoundsEachClient(t *testing.T) {
	d := newDoor(t, echo, func(c *Config) { c.MaxConnsPerClient = 2 })
	d.hold(2)
	c := d.connect()
	say(t, c, "GET / HTTP/1.0\r\n\r\n")
	if text := ended(t, c); !strings.HasPrefix(text, "HTTP/1.1 503 ") || !strings.Contains(text, "this client has as many") {
		t.Errorf("the third is told %q", text)
	}
	other := d.connect("127.0.0.2")
	say(t, other, "GET / HTTP/1.0\r\nHost: "+host+"\r\n\r\n")
	if text := ended(t, other); !strings.HasSuffix(text, "GET / http") {
		t.Errorf("another client is told %q", text)
	}
}

// TestTable_TellsManyOnlyAsManyAsItCan: who refuses must not have as much to do as who serves.
func TestTable_TellsManyOnlyAsManyAsItCan(t *testing.T) {
	d := newDoor(t, echo, func(c *Config) { c.MaxConns = 1 })
	d.hold(1)
	var silent []net.Conn
	for range mostRefusals {
		silent = append(silent, d.connect())
	}
	eventually(t, "as many are told as may be", func() bool { return len(d.conns.refused) == mostRefusals })
	c := d.connect()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\n\r\n") // it may be closed before
	if text, _ := io.ReadAll(c); len(text) > 0 {
		t.Errorf("one more is told %q", text)
	}
	for _, c := range silent {
		c.Close()
	}
	eventually(t, "refusals end", func() bool { return len(d.conns.refused) == 0 })
}

func TestTable_CountsClients(t *testing.T) {
	for a, b := range map[string]string{
		"192.0.2.1":   "::ffff:192.0.2.1",
		"2001:db8::1": "2001:db8::ffff:1:2:3",
		"fe80::1":     "fe80::2",
	} {
		if clientOf(from(a)) != clientOf(from(b)) {
			t.Errorf("%s and %s are two clients", a, b)
		}
	}
	for a, b := range map[string]string{"192.0.2.1": "192.0.2.2", "2001:db8::1": "2001:db8:0:1::1"} {
		if clientOf(from(a)) == clientOf(from(b)) {
			t.Errorf("%s and %s are one client", a, b)
		}
	}
}

type remote struct {
	net.Conn
	addr *net.TCPAddr
}

func (c remote) RemoteAddr() net.Addr { return c.addr }

func from(ip string) net.Conn { return remote{addr: &net.TCPAddr{IP: net.ParseIP(ip), Port: 1}} }

func TestTable_IsEmptyWhenAllHaveGone(t *testing.T) {
	d := newDoor(t, echo)
	for _, scheme := range []string{"http", "https"} {
		for _, flag := range []string{"--http1.0", "--http1.1", "--http2", "--http2-prior-knowledge"} {
			if out, err := d.curl(flag, scheme+"://"+host+"/"); err != nil {
				t.Errorf("%s %s: %q, %v", scheme, flag, out, err)
			}
		}
	}
	c := d.connect()
	say(t, c, "\x16\x03\x01")
	c.Close()
	eventually(t, "no place is taken", func() bool { return len(d.conns.list()) == 0 })
	if len(d.conns.clients) != 0 {
		t.Errorf("clients that have gone are remembered: %v", d.conns.clients)
	}
}

// TestServe_OutlivesFailingAccepts when the process has no more files, say.
func TestServe_OutlivesFailingAccepts(t *testing.T) {
	d := newDoor(t, echo)
	l := &failing{Listener: listen(t), times: 5}
	done := make(chan error, 1)
	go func() { done <- d.Serve(l) }()
	d.addr = l.Addr().String()
	if out, err := d.curl("http://" + host + "/"); err != nil || out != "GET / http" {
		t.Errorf("curl says %q, %v", out, err)
	}
	if lines := d.logged.count("connections not accepted"); lines != 1 {
		t.Errorf("%d lines in the log, want one", lines)
	}
	l.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a listener that was closed by another ends Serve with %v", err)
	}
}

// failing is a listener whose first calls fail as the kernel lets them fail.
type failing struct {
	net.Listener
	times int
}

func (l *failing) Accept() (net.Conn, error) {
	if l.times--; l.times >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// TestServe_GivesSlowClientsUp at each stage in which one could hold a connection for nothing.
func TestServe_GivesSlowClientsUp(t *testing.T) {
	d := newDoor(t, echo, func(c *Config) {
		c.HeaderTimeout, c.HandshakeTimeout, c.IdleTimeout = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	})
	for name, begin := range map[string]string{
		"nothing":                "",
		"half a preface":         preface[:12],
		"half a handshake":       "\x16\x03\x01\x02\x00\x01\x00",
		"half a head":            "GET / HTTP/1.1\r\nHost: " + host + "\r\n",
		"a preface and no more":  preface,
		"no further request":     "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n",
		"half of a further head": "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\nGET /",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := d.connect()
			say(t, c, begin)
			ended(t, c)
		})
	}
}

// TestServe_GivesUpWhoTricklesItsHandshake: each byte that comes must not begin the time anew.
func TestServe_GivesUpWhoTricklesItsHandshake(t *testing.T) {
	d := newDoor(t, echo, func(c *Config) { c.HandshakeTimeout = 300 * time.Millisecond })
	c := d.connect()
	say(t, c, "\x16\x03\x01\x02\x00")
	eventually(t, "the server closes", func() bool {
		time.Sleep(20 * time.Millisecond)
		_, err := c.Write([]byte{0})
		return err != nil
	})
}
