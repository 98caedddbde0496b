package proxy

import (
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Record is what is known of a request at its end. It is filled in on the request's way and used again for the next.
type Record struct {
	Service, Instance, RequestID string // Instance: where the request was last; "" when no instance got it
	Method, Host, Target, Proto  string // Target: path and query as the client wrote them; Proto: "HTTP/1.1"
	Client, Agent, Referer       string // Client: the peer's address without its port, or what a trusted proxy said of it

	Status         int       // sent to the client; 101 for an upgraded connection; 499: the client had gone
	Received, Sent int64     // bytes of bodies, from the client and to it
	Began          time.Time // the request's head had been read

	Waited    time.Duration // for an instance
	FirstByte time.Duration // from Began to the first byte of the instance's answer; 0 when there was none
	Took      time.Duration // from Began to the end

	TraceIn, TraceOut      string // traceparent as it came and as the instance got it
	TLS, Retried, Upgraded bool

	Reason string // why the proxy failed the request; "" when the instance answered it whole
}

// newRecord notes what r says.
func (p *Proxy) newRecord(r *http.Request, id string) Record {
	return Record{
		RequestID: id,
		Method:    r.Method,
		Host:      r.Host,
		Target:    target(r),
		Proto:     r.Proto,
		Client:    p.clientOf(peer(r), r.Header["X-Forwarded-For"]),
		Agent:     r.Header.Get("User-Agent"),
		Referer:   r.Header.Get("Referer"),
		TLS:       r.TLS != nil,
		TraceIn:   r.Header.Get("Traceparent"),
		TraceOut:  r.Header.Get("Traceparent"),
	}
}

// clientOf is who asked: the peer, or the last address that trusted proxies name and that is none of theirs.
func (p *Proxy) clientOf(peer string, forwarded []string) string {
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && p.trusts(peer); i-- {
		ip, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		peer = ip.String()
	}
	return peer
}
