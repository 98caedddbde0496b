package proxy

import (
	"log/slog"
	"net/http"
)

// refusal is why a service has no instance and is to have none for a while, as its owner is told it.
type refusal struct{ reason string }

func (r *refusal) Error() string { return "the service could not be started: " + r.reason }

func (r *refusal) failure() failure {
	return failure{http.StatusServiceUnavailable, "The service could not be started. " + r.reason, r.Error(), slog.LevelWarn, retryAfter}
}

// Refuse has requests that find no instance answered 503 with the reason, those that wait already at once; an empty reason has
// them wait again. While the service has instances it changes nothing. A service that is not known is made, closed.
func (p *Proxy) Refuse(serviceName, reason string) {
	p.refuse(serviceName, reason)
	p.mirror(Change{Kind: ChangeRefuse, Service: serviceName, Reason: reason})
}

func (p *Proxy) refuse(serviceName, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	svc := p.serviceLocked(serviceName)
	svc.mu.Lock()
	defer svc.mu.Unlock()
	svc.refusal = nil
	if reason != "" {
		svc.refusal = &refusal{reason}
	}
	svc.changedLocked()
}

// Use tells how many requests the instance has in flight and how many it was given in all; zero for one that is not among the
// service's instances. What another process has in flight of the service may be at any of them and counts for each.
func (p *Proxy) Use(serviceName, instanceID string) (inFlight int, given uint64) {
	svc := p.service(serviceName)
	if svc == nil {
		return 0, 0
	}
	u := p.use(svc, instanceID)
	return u.InFlight, u.Given
}

// use adds what a following process has of the instance.
func (p *Proxy) use(svc *service, instanceID string) Use {
	u := p.elsewhere().Instances[instanceID]
	svc.mu.Lock()
	defer svc.mu.Unlock()
	for _, in := range svc.instances {
		if in.id == instanceID {
			return Use{u.InFlight + in.gate.inside.n, u.Given + in.given}
		}
	}
	return Use{}
}
