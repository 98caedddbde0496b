package proxy

import (
	"sync/atomic"
	"time"
)

// Stats are the counts of a service since the Proxy was made or the service removed. Requests that were answered like
// those of an unknown host are not among them.
type Stats struct {
	InFlight    int           // admitted and not ended, waiting for an instance included, upgraded connections too
	Requests    uint64        // ended
	Responses   [6]uint64     // by class of the status sent: Responses[2] is the number of 2xx; [1] are upgraded connections
	ClientGone  uint64        // ended because the client did not wait for the whole answer
	Latency     time.Duration // sum over all requests but upgraded ones, from the request's headers to the answer's last byte
	LastRequest time.Time     // when the last request ended; zero if none has
}

type counters struct {
	requests   atomic.Uint64
	responses  [6]atomic.Uint64
	clientGone atomic.Uint64
	latency    atomic.Int64
	last       atomic.Int64 // Unix nanoseconds
}

func (c *counters) add(x *exchange) {
	now := time.Now()
	c.requests.Add(1)
	c.last.Store(now.UnixNano())
	if !x.upgraded() {
		c.latency.Add(int64(now.Sub(x.began)))
	}
	switch status := x.status.Load(); {
	case status == statusClientGone:
		c.clientGone.Add(1)
	case status >= 100 && status < 600:
		c.responses[status/100].Add(1)
	}
}

// Stats returns the counts of the service; zero for one that is not known.
func (p *Proxy) Stats(serviceName string) Stats {
	svc := p.service(serviceName)
	if svc == nil {
		return Stats{}
	}
	c := &svc.count
	s := Stats{
		InFlight:   int(svc.gate.Load().n.Load()),
		Requests:   c.requests.Load(),
		ClientGone: c.clientGone.Load(),
		Latency:    time.Duration(c.latency.Load()),
	}
	for i := range c.responses {
		s.Responses[i] = c.responses[i].Load()
	}
	if last := c.last.Load(); last != 0 {
		s.LastRequest = time.Unix(0, last)
	}
	return s
}

// InFlight returns how many requests of the service are in flight: the concurrency that scaling decides by.
func (p *Proxy) InFlight(serviceName string) int {
	svc := p.service(serviceName)
	if svc == nil {
		return 0
	}
	return int(svc.gate.Load().n.Load())
}

func (p *Proxy) service(name string) *service {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.services[name]
}
