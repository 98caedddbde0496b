package proxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Change is one change of the routing table on its way to the proxy of another process.
type Change struct {
	Kind     ChangeKind `json:"kind"`
	Service  string     `json:"service,omitempty"`
	Names    []string   `json:"names,omitempty"`    // the hosts of ChangeOpen, the instances of ChangeInstances
	Instance string     `json:"instance,omitempty"` // of ChangeDrain
	Limits   Limits     `json:"limits,omitzero"`    // of ChangeLimits
	Idle     bool       `json:"idle,omitempty"`     // of ChangeIdle
	Reason   string     `json:"reason,omitempty"`   // of ChangeRefuse
}

// ChangeKind says which method of Proxy a Change is a call of.
type ChangeKind string

// The kinds of changes.
const (
	ChangeInstances ChangeKind = "set_instances"
	ChangeOpen      ChangeKind = "open"
	ChangeWithdraw  ChangeKind = "withdraw"
	ChangeRemove    ChangeKind = "remove"
	ChangeDrain     ChangeKind = "drain"
	ChangeLimits    ChangeKind = "set_limits"
	ChangeIdle      ChangeKind = "set_idle"
	ChangeRefuse    ChangeKind = "refuse"
)

// Follower is the proxy of another process that still has connections of clients.
type Follower interface {
	// Follow makes the change there. It returns when the change is in force; for ChangeWithdraw and ChangeDrain, when no
	// request is in flight there that it concerns, which are cut when ctx is done. ErrLost says that the other process is
	// gone, or does not answer and was given up.
	Follow(ctx context.Context, c Change) error
}

// ErrLost says that a following process is there no more. Whatever it had in flight has ended with it.
var ErrLost = errors.New("the process that ends its requests is gone")

// followLimit is how long a following process may take over a change that waits for nothing.
const followLimit = 5 * time.Second

// Lead makes every change from now on in f as well. Withdraw and Drain then wait for both. A follower that is lost is
// forgotten, and counts as drained. The follower has to have the table that this proxy is about to have: nothing of it
// is sent.
func (p *Proxy) Lead(f Follower) { p.follower.Store(&f) }

// Restate makes what this proxy has of its services true in the follower, whatever that had of them. It is for a process that has
// just found out what there is.
func (p *Proxy) Restate() {
	p.mu.Lock()
	services := slices.Collect(maps.Values(p.services))
	p.mu.Unlock()
	for _, svc := range services {
		for _, c := range svc.state() {
			p.mirror(c)
		}
	}
}

func (s *service) state() []Change {
	ids := s.names()
	s.mu.Lock()
	defer s.mu.Unlock()
	reason := ""
	if s.refusal != nil {
		reason = s.refusal.reason
	}
	return []Change{
		{Kind: ChangeIdle, Service: s.name, Idle: s.idle},
		{Kind: ChangeRefuse, Service: s.name, Reason: reason},
		{Kind: ChangeInstances, Service: s.name, Names: ids},
	}
}

// Follow makes a change that the leading process has made; see Follower.
func (p *Proxy) Follow(ctx context.Context, c Change) error {
	switch c.Kind {
	case ChangeInstances:
		p.SetInstances(c.Service, c.Names)
	case ChangeOpen:
		p.Open(c.Service, c.Names...)
	case ChangeRemove:
		p.Remove(c.Service)
	case ChangeLimits:
		p.SetLimits(c.Service, c.Limits)
	case ChangeIdle:
		p.SetIdle(c.Service, c.Idle)
	case ChangeRefuse:
		p.Refuse(c.Service, c.Reason)
	case ChangeWithdraw:
		return p.Withdraw(ctx, c.Service)
	case ChangeDrain:
		return p.Drain(ctx, c.Instance)
	default:
		return fmt.Errorf("the leading process made a change that this one does not know: %q", c.Kind)
	}
	return nil
}

// mirror makes the change in the follower, if there is one, and waits until it is in force there.
func (p *Proxy) mirror(c Change) {
	if p.follower.Load() == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), followLimit)
	defer cancel()
	if err := p.tell(ctx, c); err != nil {
		p.log.Error("a change of the routing table was not made in the process that ends its requests", "change", c.Kind, "service", c.Service, "error", err)
	}
}

// both runs the end of requests here and in the follower, side by side.
func (p *Proxy) both(ctx context.Context, c Change, here func() error) error {
	there := make(chan error, 1)
	go func() { there <- p.tell(ctx, c) }()
	return errors.Join(here(), <-there)
}

func (p *Proxy) tell(ctx context.Context, c Change) error {
	f := p.follower.Load()
	if f == nil {
		return nil
	}
	err := (*f).Follow(ctx, c)
	if errors.Is(err, ErrLost) {
		p.follower.CompareAndSwap(f, nil)
		p.NoteLoads(Loads{})
		return nil
	}
	return err
}

// Loads are what one process has in flight, as the process tells it that is in charge.
type Loads struct {
	Services  map[string]Load
	Instances map[string]Use
}

// Use is what an instance has of requests.
type Use struct {
	InFlight int
	Given    uint64 // in all, ended ones too
}

// Loads are those of the services that have requests in flight, or had since the last call. It begins new peaks.
func (p *Proxy) Loads() Loads {
	p.mu.Lock()
	services := slices.Collect(maps.Values(p.services))
	p.mu.Unlock()
	loads := Loads{map[string]Load{}, map[string]Use{}}
	for _, svc := range services {
		l := p.Load(svc.name)
		if l.Peak == 0 {
			continue
		}
		loads.Services[svc.name] = l
		for _, id := range svc.names() {
			loads.Instances[id] = p.use(svc, id)
		}
	}
	return loads
}

func (s *service) names() (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range s.instances {
		ids = append(ids, in.id)
	}
	return ids
}

// NoteLoads adds what a following process has in flight to what this one tells of its services, until the next call: a
// WebSocket there keeps its service from being scaled to zero here.
func (p *Proxy) NoteLoads(l Loads) { p.followed.Store(&l) }

// elsewhere is what the following process has in flight.
func (p *Proxy) elsewhere() Loads {
	if l := p.followed.Load(); l != nil {
		return *l
	}
	return Loads{}
}
