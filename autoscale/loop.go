package autoscale

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// LoopConfig says what to decide by and whom to tell. All fields but Every are required. The funcs are called by one
// goroutine a service and hold up that service alone.
type LoopConfig struct {
	Log   *slog.Logger
	Every time.Duration // between two looks at a service that nothing asks for; 1 s

	// Observe says what there is to be seen of the service, and false when nothing is to be decided now: it is being
	// deployed or recovered, say.
	Observe func(service string) (Observation, bool)
	// Scale gives the service that many instances. It must not wait for them, and is called again while what is observed
	// differs from it, so it must be cheap to repeat.
	Scale func(service string, size int)
	// Event writes a line of the service's events.
	Event func(service, text string)
}

// rest is between two looks that are asked for: at the limit every request asks.
const rest = time.Millisecond

// Loop keeps a Scaler for each service and acts on what it says. All methods are safe for concurrent use.
type Loop struct {
	cfg LoopConfig

	mu       sync.Mutex
	services map[string]*watched
	ctx      context.Context // nil unless Run runs
	group    sync.WaitGroup
}

// watched is a service whose size is decided.
type watched struct {
	name string
	kick chan struct{} // holds one: what is asked for many times before it is done is done once
	gone chan struct{} // closed by Remove

	mu     sync.Mutex // held over each look
	scaler *Scaler
	ended  bool // no look any more
}

// NewLoop makes a Loop; Run starts it.
func NewLoop(c LoopConfig) *Loop {
	if c.Every <= 0 {
		c.Every = time.Second
	}
	return &Loop{cfg: c, services: map[string]*watched{}}
}

// Set decides the service's size by this configuration from now on, and looks at it at once. A service that is known keeps
// what was seen of it, as Scaler.Set does; its size is taken as it is found.
func (l *Loop) Set(service string, c Config) {
	l.mu.Lock()
	w := l.services[service]
	if w == nil {
		w = &watched{name: service, kick: make(chan struct{}, 1), gone: make(chan struct{}), scaler: New(c)}
		l.services[service] = w
		l.startLocked(w)
		l.mu.Unlock()
	} else {
		l.mu.Unlock()
		w.mu.Lock()
		w.scaler.Set(c)
		w.mu.Unlock()
	}
	w.ask()
}

// Remove leaves the service's size alone. When it returns, no func of the configuration is being called for the service
// nor will be; it blocks while one is, so none of them may call it. A service that is not known is left alone already.
func (l *Loop) Remove(service string) {
	l.mu.Lock()
	w := l.services[service]
	delete(l.services, service)
	l.mu.Unlock()
	if w == nil {
		return
	}
	close(w.gone)
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
}

// Kick has the service looked at at once; it never blocks. Many calls before the look are one, and looks that are asked
// for are a millisecond apart. A service that is not known is not looked at.
func (l *Loop) Kick(service string) {
	l.mu.Lock()
	w := l.services[service]
	l.mu.Unlock()
	if w != nil {
		w.ask()
	}
}

func (w *watched) ask() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// Run decides until ctx is done and returns when no func is being called any more. It may be called once.
func (l *Loop) Run(ctx context.Context) error {
	l.mu.Lock()
	l.ctx = ctx
	for _, w := range l.services {
		l.startLocked(w)
	}
	l.mu.Unlock()
	<-ctx.Done()
	l.mu.Lock()
	l.ctx = nil
	l.mu.Unlock()
	l.group.Wait()
	return nil
}

func (l *Loop) startLocked(w *watched) {
	if ctx := l.ctx; ctx != nil {
		l.group.Go(func() { l.watch(ctx, w) })
	}
}

// watch looks at one service until ctx is done or the service removed.
func (l *Loop) watch(ctx context.Context, w *watched) {
	tick := time.NewTicker(l.cfg.Every)
	defer tick.Stop()
	rested := time.NewTimer(0)
	defer rested.Stop()
	kick := w.kick // nil for a moment after each look that was asked for
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.gone:
			return
		case <-rested.C:
			kick = w.kick
			continue
		case <-tick.C:
		case <-kick:
			kick = nil
			rested.Reset(rest)
		}
		l.look(w)
	}
}

// look decides once and acts on it.
func (l *Loop) look(w *watched) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	o, ok := l.cfg.Observe(w.name)
	if !ok {
		return
	}
	d := w.scaler.Decide(o)
	if d.Size != o.Ready+o.Starting {
		l.cfg.Scale(w.name, d.Size)
	}
	if d.Reason == "" {
		return
	}
	l.cfg.Log.Info("service scaled", "service", w.name, "size", d.Size, "reason", d.Reason, "in_flight", o.InFlight,
		"waiting", o.Waiting, "peak", o.Peak, "ready", o.Ready, "starting", o.Starting)
	l.cfg.Event(w.name, "Scaled "+d.Reason+".")
}
