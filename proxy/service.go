package proxy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// service is one service as the data plane sees it. It outlives Withdraw, so its counts and instances do too.
type service struct {
	name  string
	wait  time.Duration // Config.InstanceWait
	hosts []string      // guarded by Proxy.mu
	h2c   atomic.Bool   // limits.H2C

	mu         sync.Mutex // held for some tens of nanoseconds, five times a request; may be taken under Proxy.mu
	unpinned   sync.Cond  // a cut has let go of its flights
	limits     *Limits    // replaced, never changed
	idle       bool       // scaled to zero
	refusal    *refusal   // why no instance will come for a while; nil when one may
	gate       *gate      // another one after each Withdraw, which waits for the old one's flights
	instances  []*instance
	available  int       // instances that are not ejected
	emptySince time.Time // when available became 0
	turn       int       // where the next look at the instances begins
	queue      list      // flights that wait, in the order of their beginning
	timer      *time.Timer
	armed      time.Time // when the timer fires at the latest; zero when it is not set
	inFlight   int
	peak       int // highest inFlight since Load was called last
	count      counters

	refused     int // since a log line said so
	refusedSaid time.Time
}

// Open admits requests for the hosts to the service, which is made if it is not known, and takes back a Withdraw.
// Hosts are compared without port and trailing dot, in any case. The hosts replace those of an earlier Open; a host
// of another service moves to this one.
func (p *Proxy) Open(serviceName string, hosts ...string) {
	p.open(serviceName, hosts)
	p.mirror(Change{Kind: ChangeOpen, Service: serviceName, Names: hosts})
}

func (p *Proxy) open(serviceName string, hosts []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	svc := p.serviceLocked(serviceName)
	svc.reopen()
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
	p.setInstances(serviceName, ids)
	p.mirror(Change{Kind: ChangeInstances, Service: serviceName, Names: ids})
}

func (p *Proxy) setInstances(serviceName string, ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	svc := p.serviceLocked(serviceName)
	known := map[string]*instance{}
	for _, in := range svc.instances { // changed under p.mu alone
		known[in.id] = in
	}
	var next []*instance
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		in := known[id]
		if in == nil {
			in = p.newInstance(svc, id)
		}
		delete(known, id)
		next = append(next, in)
	}
	svc.replace(next)
	p.retireLocked(maps.Values(known))
}

// replace makes next the service's instances and gives their room to those that wait.
func (s *service) replace(next []*instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instances = next
	s.countAvailableLocked()
	s.changedLocked()
}

func (s *service) countAvailableLocked() {
	before := s.available
	s.available = 0
	for _, in := range s.instances {
		if !in.out {
			s.available++
		}
	}
	if before > 0 && s.available == 0 {
		s.emptySince = time.Now()
	}
}

// Withdraw makes the hosts of the service answer like unknown hosts, and returns when none of its requests is in
// flight. Upgraded connections (WebSocket) are closed at once, because nothing says that they ever end. Requests that
// wait for room get it in their turn, and are answered like those of an unknown host when the service has no instance;
// the others may finish until ctx's deadline, when they are cut, and an error tells how many. They go on when ctx is
// cancelled. The service is withdrawn either way. Safe to repeat; a service that is not known is withdrawn already.
func (p *Proxy) Withdraw(ctx context.Context, serviceName string) error {
	return p.both(ctx, Change{Kind: ChangeWithdraw, Service: serviceName}, func() error { return p.withdraw(ctx, serviceName) })
}

func (p *Proxy) withdraw(ctx context.Context, serviceName string) error {
	p.mu.Lock()
	svc := p.services[serviceName]
	if svc == nil {
		p.mu.Unlock()
		return nil
	}
	p.routeLocked(svc, nil)
	p.mu.Unlock()
	if err := svc.drain(ctx, svc.close(), errWithdrawn); err != nil {
		return fmt.Errorf("withdraw service %s: %w", serviceName, err)
	}
	return nil
}

// Remove forgets the service and its counts. Requests in flight go on.
func (p *Proxy) Remove(serviceName string) {
	p.remove(serviceName)
	p.mirror(Change{Kind: ChangeRemove, Service: serviceName})
}

func (p *Proxy) remove(serviceName string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	svc := p.services[serviceName]
	if svc == nil {
		return
	}
	p.routeLocked(svc, nil)
	svc.close()
	old := svc.instances
	svc.replace(nil)
	p.retireLocked(slices.Values(old))
	delete(p.services, serviceName)
}

func (p *Proxy) serviceLocked(name string) *service {
	svc := p.services[name]
	if svc == nil {
		svc = &service{name: name, wait: p.wait, limits: Limits{}.withDefaults(p.timeout), gate: newGate()}
		svc.unpinned.L = &svc.mu
		svc.close()
		p.services[name] = svc
	}
	return svc
}

// close lets no request in any more, refuses those that wait for what will not come, and returns the closed gate.
func (s *service) close() *gate {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate.closeLocked()
	s.changedLocked()
	return s.gate
}

func (s *service) reopen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate.closed {
		s.gate = newGate()
	}
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
