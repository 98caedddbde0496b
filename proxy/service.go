package proxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// service is one service as the data plane sees it. It outlives Withdraw, so its counts and instances do too.
type service struct {
	name  string
	hosts []string // guarded by Proxy.mu
	gate  atomic.Pointer[gate]
	pool  atomic.Pointer[pool]
	count counters
}

// pool is the set of instances that new requests may go to. It is never changed, only replaced.
type pool struct {
	instances []*instance
	replaced  chan struct{} // closed when another pool has taken its place
}

func newPool(instances []*instance) *pool {
	return &pool{instances: instances, replaced: make(chan struct{})}
}

var (
	errNoInstance = errors.New("the service has no healthy instance")
	errWithdrawn  = errors.New("the service was withdrawn")
	errDrained    = errors.New("the instance is being stopped")
)

// Open admits requests for the hosts to the service, which is made if it is not known, and takes back a Withdraw.
// Hosts are compared without port and trailing dot, in any case. The hosts replace those of an earlier Open; a host
// of another service moves to this one.
func (p *Proxy) Open(serviceName string, hosts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	svc := p.serviceLocked(serviceName)
	if svc.gate.Load().isClosed() {
		svc.gate.Store(newGate())
	}
	svc.hosts = nil
	for _, h := range hosts {
		svc.hosts = append(svc.hosts, normalHost(h))
	}
	p.routeLocked(svc, svc.hosts)
}

// SetInstances replaces the instances that new requests of the service go to. When it returns, an instance that is
// no longer named gets no new request; its requests in flight go on and its idle connections are closed. A service
// that is not known is made, closed: naming the instances before Open is how a service starts without a 503.
func (p *Proxy) SetInstances(serviceName string, ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	svc := p.serviceLocked(serviceName)
	old := svc.pool.Load()
	known := map[string]*instance{}
	for _, in := range old.instances {
		known[in.id] = in
	}
	var next []*instance
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		in := known[id]
		if in == nil {
			in = p.newInstance(id)
		}
		delete(known, id)
		next = append(next, in)
	}
	svc.pool.Store(newPool(next))
	close(old.replaced)
	p.retireLocked(maps.Values(known))
}

// Withdraw makes the hosts of the service answer like unknown hosts, and returns when none of its requests is in
// flight. Upgraded connections (WebSocket) are closed at once, because nothing says that they ever end, and requests
// that wait for an instance are refused, because none will come; the others may finish until ctx is done, when they are cut, and an error tells how many. The service is withdrawn
// either way. Safe to repeat; a service that is not known is withdrawn already.
func (p *Proxy) Withdraw(ctx context.Context, serviceName string) error {
	p.mu.Lock()
	svc := p.services[serviceName]
	if svc == nil {
		p.mu.Unlock()
		return nil
	}
	p.routeLocked(svc, nil)
	gate := svc.gate.Load()
	p.mu.Unlock()
	gate.close()
	if err := gate.drain(ctx, errWithdrawn); err != nil {
		return fmt.Errorf("withdraw service %s: %w", serviceName, err)
	}
	return nil
}

// Remove forgets the service and its counts. Requests in flight go on.
func (p *Proxy) Remove(serviceName string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	svc := p.services[serviceName]
	if svc == nil {
		return
	}
	p.routeLocked(svc, nil)
	svc.gate.Load().close()
	old := svc.pool.Swap(newPool(nil))
	close(old.replaced)
	p.retireLocked(slices.Values(old.instances))
	delete(p.services, serviceName)
}

func (p *Proxy) serviceLocked(name string) *service {
	svc := p.services[name]
	if svc == nil {
		svc = &service{name: name}
		closed := newGate()
		closed.close()
		svc.gate.Store(closed)
		svc.pool.Store(newPool(nil))
		p.services[name] = svc
	}
	return svc
}

// routeLocked makes hosts all the hosts of svc.
func (p *Proxy) routeLocked(svc *service, hosts []string) {
	next := maps.Clone(*p.hosts.Load())
	maps.DeleteFunc(next, func(_ string, s *service) bool { return s == svc })
	for _, h := range hosts {
		next[h] = svc
	}
	p.hosts.Store(&next)
}

func (p *Proxy) lookup(host string) *service {
	return (*p.hosts.Load())[normalHost(host)]
}

// normalHost is the form in which hosts are compared. It allocates only for hosts that are not lower case.
func normalHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// claim enters x into the instance with the fewest requests in flight, leaving out those that x tried already. It
// waits up to limit for an instance when the service has none.
func (s *service) claim(ctx context.Context, x *exchange, tried []*instance, limit time.Duration) (*instance, error) {
	var expired <-chan time.Time
	for {
		current := s.pool.Load()
		in := leastBusy(current.instances, tried)
		switch {
		case in != nil && in.gate.enter(x):
			return in, nil
		case in != nil: // retired between the look and the claim: the next pool is there already
			continue
		case len(tried) > 0:
			return nil, errNoInstance
		}
		if expired == nil {
			expired = time.After(limit)
		}
		x.waiting.Store(true)
		select {
		case <-current.replaced:
			x.waiting.Store(false)
		case <-expired:
			return nil, errNoInstance
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// leastBusy chooses the instance with the fewest requests in flight, at random among equals. An instance that
// refused a connection a moment ago is chosen only when there is no other: being dead it has the fewest requests,
// and would draw all the traffic until its death is noticed.
func leastBusy(instances, tried []*instance) *instance {
	var best *instance
	var bestLoad int64
	ties := 0
	for _, in := range instances {
		if slices.Contains(tried, in) {
			continue
		}
		load := in.load()
		switch {
		case best == nil || load < bestLoad:
			best, bestLoad, ties = in, load, 1
		case load == bestLoad:
			if ties++; rand.IntN(ties) == 0 {
				best = in
			}
		}
	}
	return best
}
