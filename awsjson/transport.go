package awsjson

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// TransportConfig says how requests reach a server. The zero value verifies it, waits for ever and asks no proxy.
type TransportConfig struct {
	NoVerifySSL bool
	CABundle    string // a file of certificates to trust; the system's if empty. It is read for https alone.

	ConnectTimeout time.Duration // for the connection, and again for TLS; 0 is none
	ReadTimeout    time.Duration // for each read, so that a slow answer may take longer; 0 is none

	// Proxy returns the URL of the proxy as its user wrote it, empty for none. EnvironmentProxy makes such a func.
	Proxy func(*url.URL) string

	// Unverified is told the host, once each, before a request is sent to one whose certificate was not verified.
	Unverified func(host string)
}

// Transport returns what an http.Client sends a Client's requests with. It speaks HTTP/1.1 alone, and what fails is a
// *ConnectionError.
func Transport(config TransportConfig) http.RoundTripper {
	if config.Proxy == nil {
		config.Proxy = func(*url.URL) string { return "" }
	}
	return &transport{config: config, roots: bundle(config.CABundle), byHost: map[string]*http.Transport{}}
}

// sharedTransport is that of the clients which bring none.
var sharedTransport = sync.OnceValue(func() http.RoundTripper {
	return Transport(TransportConfig{ConnectTimeout: time.Minute, ReadTimeout: time.Minute, Proxy: EnvironmentProxy(os.Environ())})
})

type transport struct {
	config TransportConfig
	roots  loadRoots

	mu     sync.Mutex
	byHost map[string]*http.Transport // TLS tells its verifier no address, only names
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	proxy := fixedProxy(t.config.Proxy(r.URL))
	through, err := parseProxy(proxy)
	if err != nil {
		return nil, &ConnectionError{Kind: FaultOther, URL: r.URL.String(), Err: err}
	}
	var stage atomic.Int32 // connections may be made after we returned, for others
	ctx := context.WithValue(r.Context(), proxyKey{}, through)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeStart: func() { stage.Store(int32(handshaking)) },
		GotConn: func(got httptrace.GotConnInfo) {
			stage.Store(int32(connected))
			t.awaitAnswer(got.Conn)
		},
	})
	answer, err := t.of(r.URL).RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, failedExchange{r.URL, proxy, exchangeStage(stage.Load())}.because(err)
	}
	return answer, nil
}

// proxyKey has the request's *url.URL of its proxy in the context, or nil.
type proxyKey struct{}

func proxyOf(r *http.Request) (*url.URL, error) {
	proxy, _ := r.Context().Value(proxyKey{}).(*url.URL)
	return proxy, nil
}

// of returns the transport for a URL's host.
func (t *transport) of(u *url.URL) *http.Transport {
	host := u.Hostname()
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.byHost[host]; known != nil {
		return known
	}
	made := &http.Transport{
		Proxy:               proxyOf,
		DialContext:         t.dial,
		TLSClientConfig:     t.tls(host),
		TLSHandshakeTimeout: t.config.ConnectTimeout,
		DisableCompression:  true,
		IdleConnTimeout:     10 * time.Second,
	}
	t.byHost[host] = made
	return made
}

func (t *transport) tls(host string) *tls.Config {
	c := &tls.Config{InsecureSkipVerify: true} // verifier does it, in the order of OpenSSL
	if !t.config.NoVerifySSL {
		c.VerifyConnection = verifier{host, t.roots}.verify
		return c
	}
	var once sync.Once
	c.VerifyConnection = func(tls.ConnectionState) error {
		once.Do(func() {
			if t.config.Unverified != nil {
				t.config.Unverified(host)
			}
		})
		return nil
	}
	return c
}

// dial connects. Until there is an answer to wait for, reads are those of the handshakes with proxy and server.
func (t *transport) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: t.config.ConnectTimeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	limited := &limitedConn{Conn: conn}
	limited.limit.Store(int64(t.config.ConnectTimeout))
	return limited, nil
}

// awaitAnswer gives the reads from now on the time of an answer's.
func (t *transport) awaitAnswer(conn net.Conn) {
	if c, ok := conn.(*tls.Conn); ok {
		conn = c.NetConn()
	}
	if c, ok := conn.(*limitedConn); ok {
		c.limit.Store(int64(t.config.ReadTimeout))
		c.extend() // net/http is already reading
	}
}

// limitedConn gives every read a time limit, which starts anew when something is written.
type limitedConn struct {
	net.Conn
	limit atomic.Int64 // of type time.Duration; 0 for none
}

func (c *limitedConn) Read(p []byte) (int, error) {
	c.extend()
	return c.Conn.Read(p)
}

func (c *limitedConn) Write(p []byte) (int, error) {
	defer c.extend()
	return c.Conn.Write(p)
}

func (c *limitedConn) extend() {
	var deadline time.Time
	if limit := time.Duration(c.limit.Load()); limit > 0 {
		deadline = time.Now().Add(limit)
	}
	c.Conn.SetReadDeadline(deadline)
}
