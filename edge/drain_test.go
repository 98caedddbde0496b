package edge

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// ask sends a request on the connection and reads the answer.
func ask(t *testing.T, c net.Conn, in *bufio.Reader) *http.Response {
	t.Helper()
	say(t, c, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	res, err := http.ReadResponse(in, nil)
	if err == nil {
		_, err = io.ReadAll(res.Body)
	}
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestDrain_ClosesNoIdleConnection: a request may be on its way. It is answered, and that answer is the last.
func TestDrain_ClosesNoIdleConnection(t *testing.T) {
	d := newDoor(t, echo)
	secured, err := tls.Dial("tcp", d.addr, d.roots())
	if err != nil {
		t.Fatal(err)
	}
	defer secured.Close()
	for name, c := range map[string]net.Conn{"plain": d.connect(), "TLS": secured} {
		in := bufio.NewReader(c)
		if res := ask(t, c, in); res.Close {
			t.Errorf("%s: an answer before the drain says that it is the last", name)
		}
		defer func() {
			if res := ask(t, c, in); !res.Close {
				t.Errorf("%s: an answer after the drain does not say that it is the last", name)
			}
			if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
				t.Errorf("%s: after the last answer: %v", name, err)
			}
		}()
	}
	d.Drain()
	if _, err := net.Dial("tcp", d.addr); err == nil {
		t.Error("a drained server accepts a connection")
	}
	if err := <-d.served; err != nil {
		t.Error(err)
	}
	d.served <- nil
}

func TestDrain_LetsIdleConnectionsRunOut(t *testing.T) {
	d := newDoor(t, echo, func(c *Config) { c.IdleTimeout = 300 * time.Millisecond })
	c := d.connect()
	ask(t, c, bufio.NewReader(c))
	d.Drain()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := d.Shutdown(ctx); err != nil {
		t.Errorf("after the idle time-out a connection is left: %v", err)
	}
}

// TestDrain_TellsHTTP2ThatItWillGo, before any request, and takes what was sent before the client has heard of it.
func TestDrain_TellsHTTP2ThatItWillGo(t *testing.T) {
	d := newDoor(t, echo)
	_, f := d.hostile()
	readUntil(t, f, "SETTINGS", func(frame http2.Frame) bool { return frame.Header().Type == http2.FrameSettings })
	d.Drain()
	readUntil(t, f, "GOAWAY", gone(1<<31-1))
	for stream := uint32(1); stream < 9; stream += 2 {
		writeGet(t, f, stream)
		readUntil(t, f, "the answer of a request after it", answered(stream))
	}
	d.Server.mu.Lock()
	d.drained = d.drained.Add(-2 * sentBefore)
	d.Server.mu.Unlock()
	writeGet(t, f, 9)
	readUntil(t, f, "GOAWAY for good", gone(9))
}

// TestDrain_TellsHTTP2OfHandshakesUnderWay what it tells those that are there.
func TestDrain_TellsHTTP2OfHandshakesUnderWay(t *testing.T) {
	d := newDoor(t, echo)
	c := d.hold(1)[0]
	d.Drain()
	say(t, c, preface)
	f := http2.NewFramer(c, c)
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	readUntil(t, f, "GOAWAY", gone(1<<31-1))
}

// gone fits a GOAWAY without an error of that last stream.
func gone(last uint32) func(http2.Frame) bool {
	return func(f http2.Frame) bool {
		away, ok := f.(*http2.GoAwayFrame)
		return ok && away.ErrCode == http2.ErrCodeNo && away.LastStreamID == last
	}
}

func answered(stream uint32) func(http2.Frame) bool {
	return func(f http2.Frame) bool {
		return f.Header().StreamID == stream && f.Header().Flags.Has(http2.FlagDataEndStream)
	}
}

// TestDrain_LetsRequestsEnd that were under way, and says with their answers that no others are taken.
func TestDrain_LetsRequestsEnd(t *testing.T) {
	inside, leave := make(chan struct{}, 3), make(chan struct{})
	d := newDoor(t, func(w http.ResponseWriter, r *http.Request) {
		inside <- struct{}{}
		<-leave
		echo(w, r)
	})
	var all sync.WaitGroup
	for scheme, set := range map[string]func(*http.Protocols, bool){"http": (*http.Protocols).SetHTTP1, "https": (*http.Protocols).SetHTTP2} {
		client := d.client(protocols(set))
		all.Go(func() {
			if res, text, err := fetch(t.Context(), client, scheme+"://"+host+"/"); err != nil || text != "GET / "+scheme || res.ProtoMajor == 1 && !res.Close {
				t.Errorf("%s: %v %q, %v", scheme, res, text, err)
			}
		})
		<-inside
	}
	d.Drain()
	shut := make(chan error, 1)
	go func() { shut <- d.Shutdown(t.Context()) }()
	select {
	case err := <-shut:
		t.Errorf("shut down with requests under way: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(leave)
	all.Wait()
	if err := <-shut; err != nil {
		t.Error(err)
	}
}

func TestShutdown_CutsAtItsEnd(t *testing.T) {
	inside := make(chan struct{})
	d := newDoor(t, func(_ http.ResponseWriter, r *http.Request) {
		close(inside)
		<-r.Context().Done()
	})
	c, idle := d.connect(), d.connect()
	say(t, c, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	<-inside
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown = %v", err)
	}
	ended(t, c)
	ended(t, idle)
}

func TestCloseIdle_ClosesWhatWaitsAndLeavesWhatRuns(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	d := newDoor(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			close(inside)
			<-leave
		}
		echo(w, r)
	})
	fresh := d.hold(1)[0]
	between := d.connect()
	ask(t, between, bufio.NewReader(between))
	h2 := d.client(protocols((*http.Protocols).SetHTTP2))
	get(t, h2, "https://"+host+"/")
	busy := make(chan string, 1)
	go func() {
		_, text, _ := fetch(t.Context(), d.client(protocols((*http.Protocols).SetHTTP1)), "http://"+host+"/wait")
		busy <- text
	}()
	<-inside
	eventually(t, "the connection waits for its next request", func() bool { d.CloseIdle(); return isClosed(between) })
	ended(t, fresh)
	close(leave)
	if text := <-busy; text != "GET /wait http" {
		t.Errorf("the request under way is answered %q", text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := d.Shutdown(ctx); err != nil {
		t.Errorf("a connection is left: %v", err)
	}
}

func isClosed(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

// TestDrain_LosesNoRequest: another server takes over the socket, as in an upgrade, while clients send and send what they cannot send
// again.
func TestDrain_LosesNoRequest(t *testing.T) {
	d := newDoor(t, echo)
	var stop atomic.Bool
	var asked atomic.Int64
	var all sync.WaitGroup
	client := d.client(protocols((*http.Protocols).SetHTTP1))
	for range 8 {
		all.Go(func() {
			for ; !stop.Load(); asked.Add(1) {
				if text, err := post(t.Context(), client, "http://"+host+"/"); err != nil || text != "POST / http" {
					t.Errorf("HTTP/1.1: %q, %v", text, err)
					return
				}
			}
		})
	}
	for range 4 {
		all.Go(func() {
			for !stop.Load() && !t.Failed() {
				if err := d.stream(t, &asked, &stop); err != nil {
					t.Errorf("HTTP/2: %v", err)
				}
			}
		})
	}
	for range 10 {
		d.replace()
		before := asked.Load()
		eventually(t, "requests go on", func() bool { return asked.Load() > before+200 || t.Failed() })
	}
	stop.Store(true)
	all.Wait()
}

// post sends a body that the client has but once.
func post(ctx context.Context, c *http.Client, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, "POST", url, struct{ io.Reader }{strings.NewReader("body")})
	if err != nil {
		return "", err
	}
	res, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}

// replace gives the listener to a new server and drains the old one.
func (d *door) replace() {
	d.tb.Helper()
	old := d.Server
	file, err := d.listener.(*net.TCPListener).File()
	if err != nil {
		d.tb.Fatal(err)
	}
	defer file.Close()
	if d.listener, err = net.FileListener(file); err != nil {
		d.tb.Fatal(err)
	}
	d.Server = New(Config{Log: d.log, Proxy: d.proxy, Certificates: d.ca.Certificate})
	served := d.served
	d.begin()
	old.Drain()
	if err := <-served; err != nil {
		d.tb.Error(err)
	}
}
