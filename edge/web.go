package edge

import (
	"cmp"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// newTLS is how TLS is spoken here. Versions and ciphers are Go's, which keeps them as the field does; http/1.0 is what curl --http1.0
// offers, and a handshake without a protocol in common would fail.
func newTLS(certificates func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: certificates,
		NextProtos:     []string{"h2", "http/1.1", "http/1.0"},
	}
}

// newWeb is net/http's server for the connections of handoff. Of HTTP/2's abuses it bounds by itself: streams that are reset as fast
// as they are opened (at most four times MaxStreams wait, and then ENHANCE_YOUR_CALM), control frames whose answers are not read
// (10,000), frames of a header without end, and its size.
func (s *Server) newWeb(cfg Config) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	idle := cmp.Or(cfg.IdleTimeout, 75*time.Second)
	return &http.Server{
		Handler:           s.closing(telling(s.redirecting(s.proxy))),
		ConnContext:       withTLS,
		Protocols:         &protocols,
		ReadHeaderTimeout: s.header,
		IdleTimeout:       idle,
		MaxHeaderBytes:    64 << 10,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: cmp.Or(cfg.MaxStreams, 250),
			MaxReadFrameSize:     16 << 10, // the least, which most clients' frames have: a connection buffers one, and Go's default is 1 MiB
			SendPingTimeout:      idle,     // a client that has vanished amid a stream is found by a ping
			WriteByteTimeout:     idle,     // and one that does not read any more by what it does not take
		},
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// giveWeb hands the connection over to net/http's server, which closes it.
func (s *Server) giveWeb(c net.Conn) {
	if !s.handoff.give(c) {
		_ = c.Close()
	}
}

// redirecting sends what came without TLS to https, where that is wanted.
func (s *Server) redirecting(h http.Handler) http.Handler {
	if !s.redirect {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil && s.hasCertificate(r.Host) {
			redirect(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// hasCertificate asks as a handshake would. Hosts without one stay with the proxy, which knows what to say to them: a
// load balancer's probe by address must not be sent to where no handshake succeeds.
func (s *Server) hasCertificate(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if s.tls == nil || name == "" || net.ParseIP(name) != nil {
		return false
	}
	c, err := s.tls.GetCertificate(&tls.ClientHelloInfo{ServerName: name})
	return err == nil && c != nil
}

// redirect answers as App Runner's front door, Envoy, does by default, with 301. Clients make a GET of whatever they are redirected
// by that, so other methods get 308, which forbids it. The host stays as the client wrote it, with its port.
func redirect(w http.ResponseWriter, r *http.Request) {
	status := http.StatusPermanentRedirect
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		status = http.StatusMovedPermanently
	}
	w.Header().Set("Location", "https://"+r.Host+r.URL.RequestURI())
	w.Header().Set("Content-Length", "0")
	w.Header()["Content-Type"] = nil
	w.WriteHeader(status)
}
