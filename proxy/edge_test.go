package proxy

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // net/http tells it what it thinks of instances that send what nobody asked for
	m.Run()
}

// way is how the requests on clients' connections get to a Proxy. What the Proxy promises it promises on each.
type way struct {
	name  string
	serve func(p *Proxy, l net.Listener) (stop func())
}

var (
	netHTTP = way{"net/http", func(p *Proxy, l net.Listener) func() {
		srv := &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0), Protocols: &http.Protocols{}}
		srv.Protocols.SetHTTP1(true)
		srv.Protocols.SetUnencryptedHTTP2(true)
		go srv.Serve(l)
		return func() { srv.Close() }
	}}
	wire  = way{"wire", serveConns(noSocket)}
	loop1 = way{"loop", serveConns(func(c net.Conn) net.Conn { return c })}
	ways  = []way{netHTTP, wire, loop1}
)

// noSocket hides the socket of a connection, as TLS does: what is left can end its one half, and what can't lingers for the
// client that waits for the end.
func noSocket(c net.Conn) net.Conn {
	type halved interface{ CloseWrite() error }
	if half, ok := c.(halved); ok {
		return struct {
			net.Conn
			halved
		}{c, half}
	}
	return struct{ net.Conn }{c}
}

// serveConns gives each connection to ServeConn, as what makes of it.
func serveConns(as func(net.Conn) net.Conn) func(*Proxy, net.Listener) func() {
	return func(p *Proxy, l net.Listener) func() {
		var open sync.Map
		var served sync.WaitGroup
		served.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				open.Store(c, c)
				served.Add(1)
				go p.ServeConn(as(c), nil, Via{
					Moved: func(other net.Conn) { open.Store(c, other) },
					Ended: func() { open.Delete(c); served.Done() },
				})
			}
		})
		return func() {
			l.Close()
			open.Range(func(_, c any) bool { return c.(net.Conn).Close() == nil || true })
			served.Wait()
		}
	}
}

func eachWay(t *testing.T, test func(t *testing.T, via way)) {
	for _, via := range ways {
		t.Run(via.name, func(t *testing.T) { test(t, via) })
	}
}

// edge is a Proxy behind a real listener, and the real servers that stand for instances.
type edge struct {
	*Proxy
	tb     testing.TB
	URL    string
	Client *http.Client
	Logged *syncBuffer

	mu    sync.Mutex
	addrs map[string]string // instance id -> address; "" refuses
	dials map[string]int
}

func newEdge(tb testing.TB, via way, change ...func(*Config)) *edge {
	e := &edge{tb: tb, addrs: map[string]string{}, dials: map[string]int{}, Logged: &syncBuffer{}}
	cfg := Config{Log: slog.New(slog.NewTextHandler(e.Logged, nil)), Dial: e.dialInstance}
	for _, f := range change {
		f(&cfg)
	}
	e.Proxy = New(cfg)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	tb.Cleanup(via.serve(e.Proxy, l))
	tb.Cleanup(transport.CloseIdleConnections)
	e.URL = "http://" + l.Addr().String()
	e.Client = &http.Client{Transport: transport, Timeout: time.Minute}
	return e
}

func (e *edge) dialInstance(ctx context.Context, id string) (net.Conn, error) {
	e.mu.Lock()
	addr := e.addrs[id]
	e.dials[id]++
	e.mu.Unlock()
	if addr == "" {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

func (e *edge) dialed(id string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.dials[id]
}

// place makes the instance reachable at addr.
func (e *edge) place(id, addr string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.addrs[id] = addr
}

// backend starts a real HTTP server as the instance.
func (e *edge) backend(id string, h http.HandlerFunc) *httptest.Server {
	srv := httptest.NewServer(h)
	e.tb.Cleanup(srv.Close)
	e.place(id, srv.Listener.Addr().String())
	return srv
}

// raw starts a TCP server as the instance, for answers that net/http would never give.
func (e *edge) raw(id string, serve func(net.Conn)) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.tb.Fatal(err)
	}
	e.tb.Cleanup(func() { l.Close() })
	e.place(id, l.Addr().String())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
}

// open makes the service "web" at host web.test run on the instances.
func (e *edge) open(ids ...string) {
	e.SetInstances("web", ids)
	e.Open("web", "web.test")
}

func (e *edge) request(method, path string, body io.Reader) *http.Request {
	e.tb.Helper()
	r, err := http.NewRequestWithContext(e.tb.Context(), method, e.URL+path, body)
	if err != nil {
		e.tb.Fatal(err)
	}
	r.Host = "web.test"
	return r
}

// do sends r and returns the answer with its whole body.
func (e *edge) do(r *http.Request) (*http.Response, string) {
	e.tb.Helper()
	res, err := e.Client.Do(r)
	if err != nil {
		e.tb.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		e.tb.Fatal(err)
	}
	return res, string(body)
}

func (e *edge) get(path string) (*http.Response, string) {
	e.tb.Helper()
	return e.do(e.request("GET", path, nil))
}

// eventually fails the test when what is not true within half a minute.
func eventually(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("not within 30 s: %s", what)
		}
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
