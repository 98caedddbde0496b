// Package fleet keeps N healthy instances of each service's revision running: it starts, probes, publishes,
// replaces, drains and removes them, and finds them again after a restart of the server. Operations tell it which
// revision a service runs, the proxy dials through it; it closes the gap between that intent and what the driver
// reports. It must never read or write the store, choose a revision or change a service's status.
package fleet

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"apron/driver"
)

// Config is what a fleet works with. Driver, Log, LogPath, Publish, Drain and Event must be set; a zero number
// means its default.
type Config struct {
	Driver driver.Driver
	Log    *slog.Logger

	// LogPath says where the instance's stdout and stderr go.
	LogPath func(service, instanceID string) (string, error)

	// Publish tells the data plane which instances a service's requests may go to, all of them each time, oldest
	// first. Calls of one service come in order, one at a time. It must not call Serve, Retire or Stop.
	Publish func(service string, ids []string)

	// Drain returns when the instance, which is no longer published, has no request in flight, or ctx is done.
	Drain func(ctx context.Context, instanceID string) error

	// Idle says whether the service is to have no instance until a request wakes it, or is being woken; Refuse, why none of its
	// instances starts, and "" when one may again. They are called in order with Publish, each before it. May be nil.
	Idle   func(service string, idle bool)
	Refuse func(service, reason string)

	// Use tells how many requests the instance has in flight and how many it was given in all. It must not block and not call the
	// fleet. Without it all instances count as busy.
	Use func(service, instanceID string) (inFlight int, given uint64)

	// Event writes a line to the service's event log.
	Event func(service, text string)

	StartAllowance time.Duration // to listen and turn healthy; 5 min, as App Runner's
	StopGrace      time.Duration // between SIGTERM and SIGKILL; 30 s
	DrainLimit     time.Duration // for requests in flight; 120 s, App Runner's limit of a request
	CrashReset     time.Duration // healthy for so long, an instance is no crash loop; 1 min
	Parallel       int           // driver.Start calls at a time, all services together; 4
	DiskMiB        int           // writable layer of an instance; 3072, as App Runner's
}

// Fleet is made by New and works while Run runs. Its methods may be called from many goroutines, but the
// operations of one service (Deploy, Serve, Retire, Stop) come one after the other.
type Fleet struct {
	cfg    Config
	ctx    context.Context // of everything that the fleet does on its own; ended by Run
	end    context.CancelCauseFunc
	starts chan struct{} // holds a token for each driver.Start under way
	wg     sync.WaitGroup

	mu        sync.Mutex
	running   bool
	ended     bool
	pending   []func() // goroutines asked for before Run
	services  map[string]*service
	instances map[string]*instance
	born      int // instances made so far: their order
}

// ErrEnded is the cause of calls that end because Run has ended.
var ErrEnded = errors.New("fleet: not running any more")

// New returns a fleet without instances; it starts nothing.
func New(cfg Config) *Fleet {
	setDefault(&cfg.StartAllowance, 5*time.Minute)
	setDefault(&cfg.StopGrace, 30*time.Second)
	setDefault(&cfg.DrainLimit, 120*time.Second)
	setDefault(&cfg.CrashReset, time.Minute)
	setDefault(&cfg.Parallel, 4)
	setDefault(&cfg.DiskMiB, 3072)
	ctx, end := context.WithCancelCause(context.Background())
	return &Fleet{
		cfg: cfg, ctx: ctx, end: end,
		starts:    make(chan struct{}, cfg.Parallel),
		services:  map[string]*service{},
		instances: map[string]*instance{},
	}
}

// Run owns every goroutine of the fleet and returns nil when ctx is done and all of them have ended. The instances
// keep running. A fleet runs once.
func (f *Fleet) Run(ctx context.Context) error {
	f.mu.Lock()
	f.running = true
	for _, fn := range f.pending {
		f.wg.Go(fn)
	}
	f.pending = nil
	if f.cfg.Use != nil {
		f.wg.Go(f.throttle)
	}
	f.mu.Unlock()
	<-ctx.Done()
	f.mu.Lock()
	f.ended = true
	f.mu.Unlock()
	f.end(ErrEnded)
	f.wg.Wait()
	return nil
}

// Dial opens a connection to the port of the instance's revision. Errors are the driver's: ErrNotFound when the
// instance is gone, ECONNREFUSED when nothing listens. An idle instance gets its CPU back before.
func (f *Fleet) Dial(ctx context.Context, instanceID string) (net.Conn, error) {
	f.mu.Lock()
	i := f.instances[instanceID]
	var port int
	if i != nil {
		port = i.rev.Port
	}
	f.mu.Unlock()
	if i == nil {
		return nil, driver.ErrNotFound
	}
	i.cpu.dialled()
	return f.cfg.Driver.Dial(ctx, instanceID, port)
}

// Instance is one instance as show and doctor print it.
type Instance struct {
	ID       string
	Revision string
	State    string    // adopted, starting, healthy, failed or leaving
	Healthy  bool      // State is healthy
	Since    time.Time // when it came into this state
}

// Instances lists what the service has, oldest first.
func (f *Fleet) Instances(service string) []Instance {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.services[service]
	if s == nil {
		return nil
	}
	var list []Instance
	for _, i := range s.sortedLocked() {
		list = append(list, Instance{
			ID: i.id, Revision: i.rev.ID, State: i.phase.String(), Healthy: i.phase == healthy, Since: i.since,
		})
	}
	return list
}

// spawnLocked runs fn in a goroutine that Run waits for; after Run it does nothing.
func (f *Fleet) spawnLocked(fn func()) {
	switch {
	case f.ended:
	case f.running:
		f.wg.Go(fn)
	default:
		f.pending = append(f.pending, fn)
	}
}

// serviceLocked returns the service, which it makes known when it is new.
func (f *Fleet) serviceLocked(id string) *service {
	s := f.services[id]
	if s == nil {
		s = &service{
			id: id, revisions: map[string]Revision{}, instances: map[string]*instance{},
			change: make(chan struct{}), forgotten: make(chan struct{}),
		}
		f.services[id] = s
	}
	return s
}

// await returns when done is closed, or the cause of the end of ctx or of the fleet.
func (f *Fleet) await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
}

func setDefault[T comparable](value *T, def T) {
	if *value == *new(T) {
		*value = def
	}
}

// sortedLocked lists the service's instances in the order in which they were made.
func (s *service) sortedLocked() []*instance {
	list := make([]*instance, 0, len(s.instances))
	for _, i := range s.instances {
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b *instance) int { return a.born - b.born })
	return list
}
