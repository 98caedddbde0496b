// Package operation carries out what control has promised: it takes a service's open operation from the store and
// runs its steps, one after the other, saving how far it came after each, so that a restart goes on where kill -9 cut
// it off. One file an operation type lists the steps. cmd/apron runs the Worker and control wakes it through a func;
// nothing here may decide whether an operation is allowed, that is control/state.go's part.
package operation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"apron/api"
	"apron/autoscale"
	"apron/build/runtimes"
	"apron/build/source"
	"apron/fleet"
	"apron/image"
	"apron/logs"
	"apron/proxy"
	"apron/store"
)

// Config names what operations work with. All fields but Ended and Boundary are required.
type Config struct {
	Log    *slog.Logger
	Store  *store.Store
	Images *image.Store
	Fleet  *fleet.Fleet
	Proxy  *proxy.Proxy
	Logs   *logs.Logs

	// Autoscale decides the size of every service that is served.
	Autoscale *autoscale.Loop

	// Auth finds the credentials for an image reference; nil means none.
	Auth func(ref string) *image.Auth

	// Sources and Builds make images of what is in repositories.
	Sources Sources
	Builds  Builds
	// Remote finds where a service's source is, with the credential of its connection if it names one. Its errors are
	// *source.Error where the user can mend them.
	Remote func(ctx context.Context, account string, s *api.SourceConfiguration) (source.Remote, error)
	// Bases lists the images that builds begin with.
	Bases func() ([]runtimes.Kept, error)
	// Relieve is called when a step has met a full disk. It removes what can be made again, and returns the bytes that this
	// freed.
	Relieve func(ctx context.Context) (freed int64)

	// Limits are those that fleet works under.
	Limits Limits

	// Ended, if set, is called with each operation that has ended, and whose it was.
	Ended func(account string, op api.OperationSummary)

	// Boundary, if set, is called with the operation's type and the name of a place between two durable states.
	// It is there for tests that kill the server exactly at such a place.
	Boundary func(operation, place string)
}

// Limits say how long an operation lets applications and their clients take. All are required.
type Limits struct {
	StartAllowance time.Duration // for an instance to turn healthy
	DrainLimit     time.Duration // for requests in flight to end
	StopGrace      time.Duration // for an instance to end after SIGTERM
}

// all is the longest that a step can be held up by others.
func (l Limits) all() time.Duration { return l.StartAllowance + l.DrainLimit + l.StopGrace }

// Worker runs operations, each service's one at a time and those of different services side by side.
type Worker struct {
	cfg       Config
	bell      chan struct{} // rings when queue has grown
	unsettled chan struct{} // rings when settle has work
	pulls     sync.RWMutex  // held for reading while a pulled image is not yet in a record, for writing to collect

	tuning sync.Mutex
	served map[string]*store.Deployment // by the service's ARN: what its requests go to, and is scaled

	mu       sync.Mutex
	queue    []string
	unneeded []string             // digests of images that ended operations let go of
	busy     map[string]bool      // services that a goroutine works on; true: look again before ending
	underway map[string]*underway // by operation
}

// New makes a Worker; Run starts it.
func New(cfg Config) *Worker {
	return &Worker{
		cfg: cfg, bell: make(chan struct{}, 1), unsettled: make(chan struct{}, 1),
		served: map[string]*store.Deployment{}, busy: map[string]bool{}, underway: map[string]*underway{},
	}
}

// Wake tells the worker that the service with this ARN has an operation to run. It never blocks.
func (w *Worker) Wake(arn string) {
	w.mu.Lock()
	w.queue = append(w.queue, arn)
	w.mu.Unlock()
	select {
	case w.bell <- struct{}{}:
	default: // it rings already
	}
}

// Run works until ctx is done, beginning with the operations that the last run of the server left open. Operations
// under way then stop where they are and go on when the server runs again. It returns when all have stopped.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.wakeOpen(ctx); err != nil {
		return err
	}
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { w.settleAll(ctx) })
	collect := time.NewTicker(collectEvery)
	defer collect.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-collect.C:
			group.Go(func() { w.CollectImages(ctx) })
		case <-w.bell:
		}
		for _, arn := range w.takeIdle() {
			group.Go(func() { w.serve(ctx, arn) })
		}
	}
}

func (w *Worker) wakeOpen(ctx context.Context) error {
	return w.cfg.Store.View(ctx, func(tx *store.Tx) error {
		open, err := tx.OpenOperations()
		if err != nil {
			return fmt.Errorf("resume operations: %w", err)
		}
		for _, row := range open {
			w.Wake(row.Record.ServiceArn())
		}
		return nil
	})
}

// takeIdle empties the queue and returns the services that nobody works on yet; they count as busy from now on.
func (w *Worker) takeIdle() (idle []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, arn := range w.queue {
		if _, ok := w.busy[arn]; ok {
			w.busy[arn] = true
			continue
		}
		w.busy[arn] = false
		idle = append(idle, arn)
	}
	w.queue = nil
	return idle
}

// serve runs the service's operations until none is open.
func (w *Worker) serve(ctx context.Context, arn string) {
	for {
		err := w.runOpen(ctx, arn)
		if err != nil && ctx.Err() == nil {
			// Only the store can fail here; the operation stays open, so try again rather than forget it.
			w.cfg.Log.Error("operation is stuck", "service_arn", arn, "error", err)
			sleep(ctx, time.Second)
			continue
		}
		if !w.again(arn) || ctx.Err() != nil {
			return
		}
	}
}

// again tells whether the service was woken since it was last looked at; if not, it is no longer busy.
func (w *Worker) again(arn string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy[arn] {
		w.busy[arn] = false
		return true
	}
	delete(w.busy, arn)
	return false
}

// runOpen runs the one open operation of the service, if there is one, to its end.
func (w *Worker) runOpen(ctx context.Context, arn string) error {
	r, err := w.claim(ctx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer r.begin()()
	if err := r.run(ctx); err != nil {
		return err
	}
	if r.plan.freesImages {
		w.letGo(r)
		w.CollectImages(ctx)
	}
	return nil
}

// sleep waits for d or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
