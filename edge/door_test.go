package edge

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"apron/certs"
	"apron/proxy"
)

// host is where the test's service answers.
const host = "web.us-east-1.apron.test"

// door is a Server on a real port, with a real proxy and a real server as the one instance of the service "web".
type door struct {
	*Server
	tb     testing.TB
	proxy  *proxy.Proxy
	ca     *certs.CA
	addr   string
	caFile string
	logged *syncBuffer
	served chan error

	listener net.Listener

	mu   sync.Mutex
	dial string // the instance's address
}

// newDoor serves app at host. change changes what the server is configured with.
func newDoor(tb testing.TB, app http.HandlerFunc, change ...func(*Config)) *door {
	tb.Helper()
	d := &door{tb: tb, logged: &syncBuffer{}}
	instance := httptest.NewUnstartedServer(app)
	instance.Config.Protocols = protocols((*http.Protocols).SetHTTP1, (*http.Protocols).SetUnencryptedHTTP2)
	instance.Start()
	tb.Cleanup(instance.Close)
	d.dial = instance.Listener.Addr().String()
	log := slog.New(slog.NewTextHandler(d.logged, nil))
	d.openCA()
	cfg := Config{Log: log, Certificates: d.ca.Certificate}
	for _, f := range change {
		f(&cfg)
	}
	d.proxy = proxy.New(proxy.Config{Log: log, Dial: d.dialInstance, HeaderTimeout: cfg.HeaderTimeout, KeepAlive: cfg.IdleTimeout})
	d.proxy.SetInstances("web", []string{"one"})
	d.proxy.Open("web", host)
	cfg.Proxy = d.proxy
	d.Server = New(cfg)
	d.listener = listen(tb)
	d.addr = d.listener.Addr().String()
	d.begin()
	tb.Cleanup(d.end)
	return d
}

// begin serves on the listener.
func (d *door) begin() {
	d.served = make(chan error, 1)
	go func(s *Server, l net.Listener, served chan<- error) { served <- s.Serve(l) }(d.Server, d.listener, d.served)
}

func listen(tb testing.TB) net.Listener {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func protocols(set ...func(*http.Protocols, bool)) *http.Protocols {
	var p http.Protocols
	for _, s := range set {
		s(&p, true)
	}
	return &p
}

func (d *door) openCA() {
	d.tb.Helper()
	dir := d.tb.TempDir()
	ca, err := certs.Open(dir, certs.Config{Domain: "apron.test"})
	if err != nil {
		d.tb.Fatal(err)
	}
	d.ca, d.caFile = ca, filepath.Join(dir, "root.crt")
	if err := os.WriteFile(d.caFile, ca.PEM(), 0o600); err != nil {
		d.tb.Fatal(err)
	}
}

// end cuts what the test has left open.
func (d *door) end() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = d.Shutdown(ctx)
	if err := <-d.served; err != nil {
		d.tb.Error(err)
	}
}

func (d *door) dialInstance(ctx context.Context, _ string) (net.Conn, error) {
	d.mu.Lock()
	addr := d.dial
	d.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, "tcp", addr)
}

// place makes another server the instance.
func (d *door) place(addr string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dial = addr
}

func (d *door) roots() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(d.ca.Root())
	return &tls.Config{RootCAs: pool, ServerName: host}
}

// client is net/http's, speaking nothing but these protocols, and going to the door for every name.
func (d *door) client(p *http.Protocols) *http.Client {
	transport := &http.Transport{
		Protocols:           p,
		TLSClientConfig:     d.roots(),
		MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, d.addr)
		},
	}
	d.tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get asks for the URL and returns the answer with its whole body.
func get(tb testing.TB, c *http.Client, url string) (*http.Response, string) {
	tb.Helper()
	res, text, err := fetch(tb.Context(), c, url)
	if err != nil {
		tb.Fatal(err)
	}
	return res, text
}

func fetch(ctx context.Context, c *http.Client, url string) (*http.Response, string, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return nil, "", err
	}
	res, err := c.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res, string(text), err
}

// curl runs curl against the door, whatever the URL's host, and returns what it printed.
func (d *door) curl(args ...string) (string, error) {
	_, port, _ := net.SplitHostPort(d.addr)
	args = append([]string{"-sS", "--max-time", "20", "--cacert", d.caFile, "--connect-to", "::127.0.0.1:" + port}, args...)
	out, err := exec.CommandContext(d.tb.Context(), "curl", args...).CombinedOutput()
	return string(out), err
}

// connect opens a connection that says what the test makes it say.
func (d *door) connect(from ...string) net.Conn {
	d.tb.Helper()
	dialer := net.Dialer{Timeout: 30 * time.Second}
	for _, ip := range from {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(ip)}
	}
	c, err := dialer.Dial("tcp", d.addr)
	if err != nil {
		d.tb.Fatal(err)
	}
	d.tb.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute)) // a test's patience
	return c
}

// say writes text.
func say(tb testing.TB, w io.Writer, text string) {
	tb.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		tb.Fatal(err)
	}
}

// ended reads until the server closes the connection, and returns what came.
func ended(tb testing.TB, c net.Conn) string {
	tb.Helper()
	text, err := io.ReadAll(c)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		tb.Fatalf("the server has not closed the connection; it sent %q", text)
	}
	return string(text)
}

// eventually fails the test when what is not true within a minute.
func eventually(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("not within a minute: %s", what)
		}
	}
}

// echo says how the request came to the instance.
func echo(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %s %s", r.Method, r.URL, r.Header.Get("X-Forwarded-Proto"))
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

// count is how many of the logged lines have text.
func (b *syncBuffer) count(text string) int { return strings.Count(b.String(), text) }
