package image

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// flights runs one call for each key at a time; callers who come meanwhile share it. The zero value is ready for use.
type flights struct {
	mu    sync.Mutex
	calls map[string]*flight
}

type flight struct {
	cancel  context.CancelCauseFunc
	waiters int           // guarded by flights.mu
	done    chan struct{} // closed when err is set
	err     error
}

// share is do, except that who joined a run that failed tries once by itself: the failure may be the other's own, such as
// its registry, its credentials or the size of the rest of its image.
func (f *flights) share(ctx context.Context, key string, fn func(context.Context) error) error {
	joined, err := f.do(ctx, key, fn)
	if joined && err != nil && ctx.Err() == nil {
		_, err = f.do(ctx, key, fn)
	}
	return err
}

// do runs fn, or waits for the run under way and says that it joined it. fn's context ends when the last of those who wait
// has given up, not with the first: one client that hangs up must not fail the others. The last one waits for fn to
// return, so that after do nothing is still being written.
func (f *flights) do(ctx context.Context, key string, fn func(context.Context) error) (joined bool, err error) {
	f.mu.Lock()
	c, joined := f.calls[key]
	if !joined {
		c = f.startLocked(ctx, key, fn)
	}
	c.waiters++
	f.mu.Unlock()
	select {
	case <-c.done:
	case <-ctx.Done():
		if !f.leave(ctx, key, c) {
			return joined, context.Cause(ctx)
		}
		<-c.done
	}
	return joined, c.err
}

func (f *flights) startLocked(ctx context.Context, key string, fn func(context.Context) error) *flight {
	run, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	c := &flight{cancel: cancel, done: make(chan struct{})}
	if f.calls == nil {
		f.calls = map[string]*flight{}
	}
	f.calls[key] = c
	go func() {
		c.err = guard(func() error { return fn(run) })
		cancel(nil)
		f.forget(key, c)
		close(c.done)
	}()
	return c
}

// leave reports whether the one who leaves was the last, in which case the call is cancelled and not shared any more.
func (f *flights) leave(ctx context.Context, key string, c *flight) (last bool) {
	f.mu.Lock()
	c.waiters--
	last = c.waiters == 0
	f.mu.Unlock()
	if last {
		f.forget(key, c)
		c.cancel(context.Cause(ctx))
	}
	return last
}

func (f *flights) forget(key string, c *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls[key] == c {
		delete(f.calls, key)
	}
}

// guard turns a panic into an error: layers and manifests come from strangers, and the server has other work.
func guard(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return fn()
}
