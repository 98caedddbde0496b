package proxy

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"time"
)

const (
	dialTimeout = 5 * time.Second

	// idleTimeout is less than the five seconds after which Node.js and uvicorn close an idle connection: a
	// request that is sent into such a close can't always be retried, and a new connection on this machine costs
	// far less than a failed request.
	idleTimeout = 4 * time.Second

	// pingAfter is how long a connection of HTTP/2, which many requests share, may be silent before it is asked
	// whether it lives, and how long it has to say so.
	pingAfter = 15 * time.Second
)

// instance is one instance that requests go to, with a connection pool of its own, so that its idle connections can
// be closed without touching those of others.
type instance struct {
	gate gate // first, with health: the look for the least busy one goes over all instances
	health
	id           string
	proxy        *Proxy
	service      *service
	http1, http2 *http.Transport
	given        uint64    // requests in all; the service's lock guards it
	idle         idleConns // of HTTP/1.x without net/http
}

func (p *Proxy) newInstance(svc *service, id string) *instance {
	in := &instance{id: id, proxy: p, service: svc, gate: gate{empty: make(chan struct{})}, idle: idleConns{max: p.maxIdle}}
	in.http1, in.http2 = p.newTransport(id), p.newTransport(id)
	in.http2.Protocols = &http.Protocols{}
	in.http2.Protocols.SetUnencryptedHTTP2(true)
	in.http2.HTTP2 = &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter}
	return in
}

func (p *Proxy) newTransport(id string) *http.Transport {
	return &http.Transport{
		DialContext:            p.dialer(id),
		DisableCompression:     true, // bodies pass as they are
		MaxIdleConnsPerHost:    p.maxIdle,
		IdleConnTimeout:        idleTimeout,
		ExpectContinueTimeout:  time.Second, // for instances that ignore Expect: 100-continue
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// transportFor returns what speaks the protocol that the request has to come to the instance in. A connection can't be
// upgraded in HTTP/2.
func (in *instance) transportFor(x *exchange) *http.Transport {
	if x.grpc || x.limits.H2C && !x.upgrades {
		return in.http2
	}
	return in.http1
}

func (in *instance) closeIdle() {
	in.http1.CloseIdleConnections()
	in.http2.CloseIdleConnections()
	in.idle.closeAll()
}

// dialError marks a failure that came before anything was sent to the instance.
type dialError struct{ cause error }

func (e *dialError) Error() string { return "connect to instance: " + e.cause.Error() }
func (e *dialError) Unwrap() error { return e.cause }

// dialer gives the time limit that http.Transport does not: it detaches a dial from the request that asked for it.
func (p *Proxy) dialer(id string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		conn, err := p.dial(ctx, id)
		if err != nil {
			return nil, &dialError{err}
		}
		return conn, nil
	}
}

// retireLocked takes the instances, already out of every pool, out of service.
func (p *Proxy) retireLocked(instances iter.Seq[*instance]) {
	for id, list := range p.retired {
		list = busy(list)
		if len(list) == 0 {
			delete(p.retired, id)
		} else {
			p.retired[id] = list
		}
	}
	for in := range instances {
		in.retire()
		in.closeIdle()
		p.retired[in.id] = append(p.retired[in.id], in)
	}
}

func (in *instance) retire() {
	in.service.mu.Lock()
	defer in.service.mu.Unlock()
	in.gate.closeLocked()
	in.idle.retire()
	in.stopHealthLocked()
}

func (in *instance) busy() bool {
	in.service.mu.Lock()
	defer in.service.mu.Unlock()
	return in.gate.inside.n > 0
}

func busy(list []*instance) []*instance {
	var still []*instance
	for _, in := range list {
		if in.busy() {
			still = append(still, in)
		}
	}
	return still
}

// Drain waits until the instance, which SetInstances names no longer, has no request in flight. Upgraded connections
// (WebSocket) are closed at once, because nothing says that they ever end; the other requests may finish until ctx's
// deadline, when they are cut, and an error tells how many; they go on when ctx is cancelled. No request uses the instance when Drain has returned, but
// for the error that says so. An instance that is not known is drained already; one that is still named is an error.
func (p *Proxy) Drain(ctx context.Context, instanceID string) error {
	return p.both(ctx, Change{Kind: ChangeDrain, Instance: instanceID}, func() error { return p.drain(ctx, instanceID) })
}

func (p *Proxy) drain(ctx context.Context, instanceID string) error {
	list, err := p.retiredInstances(instanceID)
	for _, in := range list {
		err = errors.Join(err, in.service.drain(ctx, &in.gate, errDrained))
		in.closeIdle()
	}
	if err != nil {
		return fmt.Errorf("drain instance %s: %w", instanceID, err)
	}
	return nil
}

func (p *Proxy) retiredInstances(id string) ([]*instance, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, svc := range p.services {
		for _, in := range svc.instances {
			if in.id == id {
				return nil, fmt.Errorf("service %s still sends requests to it; call SetInstances without it first", svc.name)
			}
		}
	}
	return append([]*instance(nil), p.retired[id]...), nil
}
