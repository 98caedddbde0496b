package proxy

import (
	"cmp"
	"time"
)

const (
	defaultConcurrency  = 100 // App Runner's default MaxConcurrency
	defaultMaxInstances = 25  // App Runner's default MaxSize
	defaultQueueTime    = 30 * time.Second
	leastQueue          = 100
	mostQueue           = 10_000 // a waiting request costs some 20 KB with its connection: 200 MB
)

// Limits are what a service's settings say of its requests. Zero fields mean the default.
type Limits struct {
	Concurrency    int           // requests that one instance is given at a time, upgraded connections among them; 100
	MaxInstances   int           // with as many instances a full queue or a late request is answered 429; with fewer it waits on; 25
	Queue          int           // requests that may wait; Concurrency times MaxInstances, at least 100, and never more than 10 000
	QueueTime      time.Duration // how long one may wait for room; 30 s
	RequestTimeout time.Duration // a request as a whole; Config.RequestTimeout
	BodyLimit      int64         // bytes of a request's body, above which it is answered 413; 0 for none
	H2C            bool          // the instances speak HTTP/2 without TLS; gRPC requests always go to them so
}

// withDefaults returns l with all of its fields set.
func (l Limits) withDefaults(timeout time.Duration) *Limits {
	l.Concurrency = cmp.Or(max(l.Concurrency, 0), defaultConcurrency)
	l.MaxInstances = cmp.Or(max(l.MaxInstances, 0), defaultMaxInstances)
	l.Queue = min(cmp.Or(max(l.Queue, 0), max(l.Concurrency*l.MaxInstances, leastQueue)), mostQueue)
	l.QueueTime = cmp.Or(max(l.QueueTime, 0), defaultQueueTime)
	l.RequestTimeout = cmp.Or(max(l.RequestTimeout, 0), timeout)
	return &l
}

// SetLimits replaces the limits of the service, which is made, closed, if it is not known. Concurrency, MaxInstances,
// Queue and QueueTime are in force at once, also for requests that wait already; the rest for requests that begin from
// now on.
func (p *Proxy) SetLimits(serviceName string, l Limits) {
	p.setLimits(serviceName, l)
	p.mirror(Change{Kind: ChangeLimits, Service: serviceName, Limits: l})
}

func (p *Proxy) setLimits(serviceName string, l Limits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	svc := p.serviceLocked(serviceName)
	svc.mu.Lock()
	defer svc.mu.Unlock()
	svc.limits = l.withDefaults(p.timeout)
	svc.h2c.Store(l.H2C)
	svc.changedLocked()
}

// SetIdle says whether the service is scaled to zero. While it is and has no instance, requests wait for one up to
// their RequestTimeout rather than Config.InstanceWait. A service that is not known is made, closed.
func (p *Proxy) SetIdle(serviceName string, idle bool) {
	p.setIdle(serviceName, idle)
	p.mirror(Change{Kind: ChangeIdle, Service: serviceName, Idle: idle})
}

func (p *Proxy) setIdle(serviceName string, idle bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	svc := p.serviceLocked(serviceName)
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if svc.idle && !idle {
		svc.emptySince = time.Now() // what waits now has the whole InstanceWait from here
	}
	svc.idle = idle
	svc.changedLocked()
}
