// Package edge is the services' port: it accepts clients' connections, tells TLS, HTTP/2 and HTTP/1.x apart by their first
// bytes, and gives each to what speaks its protocol, with the proxy behind all of them. It bounds how many connections there are
// and how slow they may be, and it ends without a request meeting a closed connection. cmd/apron serves it; it must know
// nothing of services.
package edge

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"apron/proxy"
)

// Config is what a Server needs. Log and Proxy are required; the zero value of the rest means the default.
type Config struct {
	Log   *slog.Logger
	Proxy *proxy.Proxy

	// Certificates is asked for the certificate of each TLS handshake, as tls.Config.GetCertificate is. A name that it
	// returns nil for is not served here, and the client is told so by an alert. Without Certificates no TLS is spoken.
	Certificates func(*tls.ClientHelloInfo) (*tls.Certificate, error)

	// Redirect sends what comes without TLS to https, for the hosts that Certificates has a certificate for.
	Redirect bool

	// MaxConns is how many connections are open at most. Default: what the process's limit of open files allows when each has
	// a request under way, at most 65,536.
	MaxConns int

	// MaxConnsPerClient is how many of them one client has at most: an IPv4 address, or the /64 network of an IPv6 one.
	// Default half of MaxConns: all that comes by way of a load balancer is one client.
	MaxConnsPerClient int

	// HeaderTimeout is for a connection's first bytes, and IdleTimeout for the time between two requests. What HTTP/1.x goes on with is
	// proxy.Config's HeaderTimeout and KeepAlive. Default 30 s, and 75 s: more than the 60 s for which load balancers keep
	// connections.
	HeaderTimeout, IdleTimeout time.Duration

	HandshakeTimeout time.Duration // for a TLS handshake, from its first bytes on; default 10 s
	MaxStreams       int           // requests at a time on one HTTP/2 connection; default 250
}

// Server serves the services' port. All of its methods may be called from many goroutines.
type Server struct {
	log       *slog.Logger
	proxy     *proxy.Proxy
	tls       *tls.Config // nil: no TLS
	redirect  bool
	header    time.Duration
	handshake time.Duration

	web      *http.Server // HTTP/2, and what of HTTP/1.x is not proxy.ServeConn's
	handoff  *handoff     // web's listener
	startWeb func()
	draining atomic.Bool

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	drained   time.Time
	conns     *table
}

// New returns a Server that serves nothing yet. It starts nothing.
func New(cfg Config) *Server {
	s := &Server{
		log:       cfg.Log,
		proxy:     cfg.Proxy,
		redirect:  cfg.Redirect,
		header:    cmp.Or(cfg.HeaderTimeout, 30*time.Second),
		handshake: cmp.Or(cfg.HandshakeTimeout, 10*time.Second),
		handoff:   newHandoff(),
		listeners: map[net.Listener]struct{}{},
		conns:     newTable(cfg.MaxConns, cfg.MaxConnsPerClient),
	}
	if cfg.Certificates != nil {
		s.tls = newTLS(cfg.Certificates)
	}
	s.web = s.newWeb(cfg)
	s.startWeb = sync.OnceFunc(func() { go func() { _ = s.web.Serve(s.handoff) }() }) // its one end is Shutdown's
	return s
}

// Serve accepts connections on l until Drain or Shutdown, and returns nil then; another error is l's. It closes l. Several
// listeners may be served, each by its own call.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.listen(l) {
		return nil
	}
	s.startWeb()
	for pause := time.Duration(0); ; {
		c, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.accept(c)
		case s.draining.Load():
			return nil
		case !passing(err):
			return fmt.Errorf("serve on %s: %w", l.Addr(), err)
		default:
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.conns.reportAccept(s.log, err)
			time.Sleep(pause)
		}
	}
}

// passing reports an error of Accept that another call may not meet: a client that has gone, or nothing left to have it with.
func passing(err error) bool {
	errno, _ := errors.AsType[syscall.Errno](err)
	return slices.Contains([]syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED}, errno)
}

// listen notes l, unless the server has ended.
func (s *Server) listen(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

// accept gives c a place and a goroutine, or says no to it.
func (s *Server) accept(raw net.Conn) {
	c, refusal := s.conns.enter(raw)
	if refusal != nil {
		s.conns.refuse(s.log, raw, refusal)
		return
	}
	go s.serve(c)
}
