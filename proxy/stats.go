package proxy

import "time"

// Stats are the counts of a service since the Proxy was made or the service removed. Requests that were answered like
// those of an unknown host are not among them.
type Stats struct {
	InFlight    int           // admitted and not ended, waiting for an instance included, upgraded connections too
	Waiting     int           // of these, wait for an instance
	Requests    uint64        // ended
	Responses   [6]uint64     // by class of the status sent: Responses[2] is the number of 2xx; [1] are upgraded connections
	ClientGone  uint64        // ended because the client did not wait for the whole answer
	Latency     time.Duration // sum over all requests but upgraded ones, from the request's headers to the answer's last byte
	LastRequest time.Time     // when the last request ended; zero if none has
}

type counters struct {
	requests   uint64
	responses  [6]uint64
	clientGone uint64
	latency    time.Duration
	last       time.Time
}

func (c *counters) add(r *Record) {
	c.requests++
	c.last = r.Began.Add(r.Took)
	if !r.Upgraded {
		c.latency += r.Took
	}
	switch {
	case r.Status == statusClientGone:
		c.clientGone++
	case r.Status >= 100 && r.Status < 600:
		c.responses[r.Status/100]++
	}
}

// Stats returns the counts of the service; zero for one that is not known.
func (p *Proxy) Stats(serviceName string) Stats {
	svc := p.service(serviceName)
	if svc == nil {
		return Stats{}
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	c := &svc.count
	return Stats{
		InFlight:    svc.inFlight + p.elsewhere().Services[serviceName].InFlight,
		Waiting:     svc.queue.n,
		Requests:    c.requests,
		Responses:   c.responses,
		ClientGone:  c.clientGone,
		Latency:     c.latency,
		LastRequest: c.last,
	}
}

// InFlight returns how many requests of the service are in flight, those that wait included.
func (p *Proxy) InFlight(serviceName string) int { return p.Stats(serviceName).InFlight }

// Load is what scaling decides by.
type Load struct {
	InFlight  int       // admitted and not ended, those that wait included, upgraded connections too
	Waiting   int       // of these, wait for an instance
	Peak      int       // highest InFlight since the last call of Load
	Requests  uint64    // ended
	Instances int       // that SetInstances named, the ejected ones included
	LastUse   time.Time // now while anything is in flight, else the last request's end; zero if there was none
}

// Load returns the service's load and begins a new peak; zero for one that is not known.
func (p *Proxy) Load(serviceName string) Load {
	svc := p.service(serviceName)
	if svc == nil {
		return Load{}
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	there := p.elsewhere().Services[serviceName]
	l := Load{
		InFlight:  svc.inFlight + there.InFlight,
		Waiting:   svc.queue.n + there.Waiting,
		Peak:      svc.peak + there.Peak,
		Requests:  svc.count.requests,
		Instances: len(svc.instances),
		LastUse:   svc.count.last,
	}
	if l.InFlight > 0 {
		l.LastUse = time.Now()
	}
	svc.peak = svc.inFlight
	return l
}

func (p *Proxy) service(name string) *service {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.services[name]
}
