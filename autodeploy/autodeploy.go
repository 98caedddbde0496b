// Package autodeploy deploys services when what they are deployed from has changed: a commit on their branch, another
// image behind their tag. It hears of changes by webhooks, by pushes to the registry and the git remotes of this very
// server, and by looking from time to time. cmd/apron builds it and ties it to control, which decides whether a service may
// deploy; it must never start anything by itself or believe what a webhook says is new: it looks.
package autodeploy

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"apron/api"
	"apron/store"
)

// Config says what to watch with. All fields are required.
type Config struct {
	Log   *slog.Logger
	Store *store.Store

	// Deploy begins a deployment as control.AutoDeploy does.
	Deploy func(ctx context.Context, arn string, cause store.Cause) (operationID string, err error)
	// Newest finds out what a deployment of the service would take now: a commit's id, or an image's digest.
	Newest func(ctx context.Context, svc store.Service) (version string, err error)
	// Touches tells whether what came after the commit from, up to the commit to, concerns the service's SourceDirectory.
	Touches func(ctx context.Context, svc store.Service, from, to string) (bool, error)
	// Event writes a line of the service's events.
	Event func(svc api.Service, text string)
	// Secret is what webhooks of the service with this id prove themselves with.
	Secret func(serviceID string) string

	// Interval is how often repositories are looked at, and ImageInterval images in registries elsewhere, some of which
	// count what they are asked.
	Interval, ImageInterval time.Duration
}

const (
	checks       = 16               // services looked at side by side: a look is a wait for servers, and one account may have thirty that never answer
	checkLimit   = time.Minute      // for one look
	waitForEnd   = time.Second      // until a service whose operation is under way is looked at again
	retryAfter   = 10 * time.Second // after a look that was asked for and failed
	firstLookLag = 5 * time.Second  // after the start, when everything else is more urgent
)

// Watcher watches the services whose AutoDeploymentsEnabled is true.
type Watcher struct {
	cfg   Config
	queue *queue
}

// New makes a Watcher; Run starts it.
func New(cfg Config) *Watcher { return &Watcher{cfg: cfg, queue: newQueue()} }

// Look has the service with this ARN looked at as soon as may be. It never blocks, and it does nothing for a service that
// does not deploy by itself.
func (w *Watcher) Look(arn string) { w.queue.add(arn) }

// LookAt has all services looked at that deploy by themselves and are of interest. It blocks for one reading transaction.
func (w *Watcher) LookAt(ctx context.Context, interest func(store.Service) bool) error {
	return w.cfg.Store.View(ctx, func(tx *store.Tx) error {
		arns, err := tx.WatchedServices()
		if err != nil {
			return err
		}
		for _, arn := range arns {
			svc, err := tx.Service(arn)
			if err != nil {
				return err
			}
			if interest(svc) {
				w.Look(arn)
			}
		}
		return nil
	})
}

// Run watches until ctx is done and returns when all looks have ended.
func (w *Watcher) Run(ctx context.Context) error {
	var group sync.WaitGroup
	defer group.Wait()
	for range checks {
		group.Go(func() { w.work(ctx) })
	}
	group.Go(func() { w.every(ctx, w.cfg.ImageInterval, func(s store.Service) bool { return !fromSource(s) }) })
	w.every(ctx, w.cfg.Interval, fromSource)
	return nil
}

func fromSource(s store.Service) bool { return s.Service.SourceConfiguration.CodeRepository != nil }

// every looks at the services of interest soon after the start, because nothing was heard while the server was away, and
// then again and again.
func (w *Watcher) every(ctx context.Context, interval time.Duration, interest func(store.Service) bool) {
	for wait := min(firstLookLag, interval); sleep(ctx, wait); wait = interval {
		if err := w.LookAt(ctx, interest); err != nil && ctx.Err() == nil {
			w.cfg.Log.Error("services that deploy by themselves could not be listed", "error", err)
		}
	}
}

// work looks at one service after the other.
func (w *Watcher) work(ctx context.Context) {
	for {
		arn, ok := w.queue.take(ctx)
		if !ok {
			return
		}
		again, err := w.check(ctx, arn)
		if err != nil && ctx.Err() == nil {
			w.cfg.Log.Error("a service that deploys by itself could not be looked at", "service_arn", arn, "error", err)
		}
		w.queue.done(arn, again)
	}
}

// check is one look with its limit. A panic ends the look, not the server, which would meet it again at every look.
func (w *Watcher) check(ctx context.Context, arn string) (again time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			again, err = 0, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	return w.look(ctx, arn)
}

// sleep waits for d and tells whether ctx is still alive then.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
