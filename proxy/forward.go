package proxy

import (
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"

	"apron/proxy/http1"
)

func (p *Proxy) newReverseProxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:        p.rewrite,
		Transport:      balancer{},
		FlushInterval:  -1, // what an instance has written its client gets now
		BufferPool:     &buffers,
		ModifyResponse: receive,
		ErrorHandler:   func(_ http.ResponseWriter, r *http.Request, err error) { exchangeOf(r.Context()).fail(err) },
		ErrorLog:       log.New(io.Discard, "", 0), // failures are logged once, with their reason, by exchange
	}
}

// rewrite makes the instance's request from the client's. The Host, the path and the query pass exactly as they came:
// nothing here decides by path or query, so there is nothing that a different reading of them could get around.
// httputil.ReverseProxy has taken the hop-by-hop headers and the client's forwarding headers out before.
func (p *Proxy) rewrite(pr *httputil.ProxyRequest) {
	x := exchangeOf(pr.In.Context())
	out := pr.Out
	out.URL.Scheme, out.URL.Host = "http", "instance" // each instance has its own transport, which knows where it is
	out.URL.RawQuery = pr.In.URL.RawQuery
	keepPath(out.URL, pr.In.RequestURI)
	if x.body != nil {
		out.Body = x.body
	}
	out.Trailer = pr.In.Trailer // filled in while the body is read; the clone would stay empty
	dropTrailers(out.Trailer)
	out.Header.Set("X-Request-Id", x.requestID)
	p.setForwarded(pr)
	p.setTrace(out.Header, &x.rec)
	dropH2C(out.Header)
	dropDisguises(out.Header)
	markIdempotent(out)
}

// keepPath sends the path in the client's own spelling where net/url would spell it another way, such as a raw "|".
func keepPath(u *url.URL, requestURI string) {
	path, _, _ := strings.Cut(requestURI, "?")
	if strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && path != u.EscapedPath() {
		u.Opaque = path
	}
}

// setForwarded tells the instance who asked, and how. A client can claim any address in X-Forwarded-For, and many
// applications believe the first one they find, so the header holds the client's address alone unless the peer is a
// proxy that the operator trusts. Like App Runner it sets no X-Forwarded-Host, -Port or -Ssl.
func (p *Proxy) setForwarded(pr *httputil.ProxyRequest) {
	client := peer(pr.In)
	proto := "http"
	if pr.In.TLS != nil {
		proto = "https"
	}
	if p.trusts(client) {
		if prior := pr.In.Header["X-Forwarded-For"]; len(prior) > 0 {
			client = strings.Join(prior, ", ") + ", " + client
		}
		if said := pr.In.Header.Get("X-Forwarded-Proto"); said == "http" || said == "https" {
			proto = said
		}
	}
	for _, spoofable := range []string{"X-Forwarded-Port", "X-Forwarded-Ssl"} {
		pr.Out.Header.Del(spoofable)
	}
	pr.Out.Header.Set("X-Forwarded-For", client)
	pr.Out.Header.Set("X-Forwarded-Proto", proto)
}

// peer is the address of the connection's other end.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (p *Proxy) trusts(addr string) bool {
	if len(p.trusted) == 0 {
		return false
	}
	ip, err := netip.ParseAddr(addr)
	return err == nil && slices.ContainsFunc(p.trusted, func(n netip.Prefix) bool { return n.Contains(ip.Unmap()) })
}

// setTrace gives the instance a traceparent of Config.Traceparent's. The client's tracestate goes with the client's
// traceparent alone.
func (p *Proxy) setTrace(h http.Header, r *Record) {
	if p.trace == nil {
		return
	}
	r.TraceIn = ""
	if in := h["Traceparent"]; len(in) == 1 && validTraceparent(in[0]) {
		r.TraceIn = in[0]
	} else {
		h.Del("Tracestate")
	}
	h.Del("Traceparent")
	if r.TraceOut = p.trace(r.TraceIn); r.TraceOut != "" {
		h.Set("Traceparent", r.TraceOut)
	}
}

// upgrades reports whether the client asks for a protocol that it can be given, which HTTP/2 has no way for.
func upgrades(r *http.Request) bool {
	to := r.Header.Get("Upgrade")
	return to != "" && !strings.EqualFold(to, "h2c")
}

// dropH2C ignores an offer to switch to cleartext HTTP/2, as RFC 9110 allows: behind the switch a client could send
// requests that never pass here, with forwarding headers of its own making.
func dropH2C(h http.Header) {
	if strings.EqualFold(h.Get("Upgrade"), "h2c") {
		h.Del("Connection")
		h.Del("Upgrade")
	}
	h.Del("Http2-Settings")
}

// dropTrailers takes out what must not follow a body. Some instances make headers of trailers, and would believe an
// X-Forwarded-For there.
func dropTrailers(h http.Header) {
	for name := range h {
		if !http1.Trails(name) {
			delete(h, name)
		}
	}
}

// dropDisguises takes out what CGI, WSGI and Rack would take for a header that the Proxy alone writes, such as
// X_Forwarded_For.
func dropDisguises(h http.Header) {
	for name := range h {
		if strings.IndexByte(name, '_') >= 0 && http1.Disguise(name) {
			delete(h, name)
		}
	}
}

// markIdempotent tells http.Transport that a PUT or DELETE without a body may be sent again after a kept-alive
// connection was closed under it, which it knows of GET, HEAD, OPTIONS and TRACE. An empty value is not sent.
func markIdempotent(out *http.Request) {
	if _, keyed := out.Header["Idempotency-Key"]; !keyed && (out.Method == http.MethodPut || out.Method == http.MethodDelete) {
		out.Header["Idempotency-Key"] = []string{}
	}
}

// receive notes what the instance has answered before it is passed on.
func receive(res *http.Response) error {
	x := exchangeOf(res.Request.Context())
	if res.StatusCode == http.StatusSwitchingProtocols {
		x.upgrade()
		return nil
	}
	if len(res.Trailer) > 0 && !x.http2 {
		res.Header.Del("Content-Length") // an answer of HTTP/1.1 has a place for trailers only when it is chunked
	}
	x.empty = res.ContentLength == 0
	res.Body = &responseBody{res.Body, x, res}
	return nil
}

// requestID passes the client's x-request-id through, or makes one in Envoy's form, a random UUID.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" && len(id) <= 128 {
		return id
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// bufferPool recycles copy buffers. It holds array pointers because a slice would be allocated anew for each Put.
type bufferPool struct{ pool sync.Pool }

var buffers bufferPool

type buffer [32 << 10]byte

func (p *bufferPool) Get() []byte {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b[:]
	}
	return new(buffer)[:]
}

func (p *bufferPool) Put(b []byte) { p.pool.Put((*buffer)(b[:len(buffer{})])) }
