package verb

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"time"
)

// scheme finds out once whether services are reached by https.
type scheme struct {
	once   sync.Once
	secure bool
}

// url is where the service answers. App Runner's own services speak TLS alone; of others it is https where this machine believes the
// certificate, and http where a browser would warn of it. All services of a server are alike in that.
func (s *session) url(svc string) string {
	if strings.HasSuffix(svc, ".awsapprunner.com") {
		return "https://" + svc
	}
	if s.scheme.once.Do(func() { s.scheme.secure = believed(svc) }); s.scheme.secure {
		return "https://" + svc
	}
	return "http://" + svc
}

// handshakeLimit is short: it is only about what stands before a name, and http always does.
const handshakeLimit = time.Second

// believed makes a handshake with the service's host.
func believed(svc string) bool {
	host, port, err := net.SplitHostPort(svc)
	if err != nil {
		host, port = svc, "443"
	}
	ctx, cancel := context.WithTimeout(context.Background(), handshakeLimit)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{ServerName: host}}
	if strings.HasSuffix(host, ".localhost") {
		host = "127.0.0.1" // as curl and browsers have it; not every resolver does (RFC 6761)
	}
	c, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
