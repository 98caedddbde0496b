package proxy

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// passenger is a carrier without a client: what a test has of a flight.
type passenger struct {
	flight
	cause atomic.Pointer[error]
	ever  atomic.Bool // hopeless
}

func (c *passenger) cut(cause error) { c.cause.Store(&cause) }
func (c *passenger) hopeless() bool  { return c.ever.Load() }

// airport is a Proxy with the open service "web", whose requests a test makes by hand.
type airport struct {
	*Proxy
	t *testing.T
}

func newAirport(t *testing.T, l Limits, ids ...string) *airport {
	return newAirportWith(t, Config{}, l, ids...)
}

func newAirportWith(t *testing.T, cfg Config, l Limits, ids ...string) *airport {
	cfg.Log = slog.New(slog.DiscardHandler)
	a := &airport{New(cfg), t}
	a.SetLimits("web", l)
	a.SetInstances("web", ids)
	a.Open("web", "web.test")
	return a
}

func (a *airport) svc() *service { return a.service("web") }

// begin begins a request.
func (a *airport) begin() *passenger {
	a.t.Helper()
	c := &passenger{}
	if !a.Proxy.begin(&c.flight, a.svc(), c) {
		a.t.Fatal("the service is closed")
	}
	return c
}

// board begins a request that has an instance at once.
func (a *airport) board() *passenger {
	a.t.Helper()
	c := a.begin()
	if c.tryInstance() == nil {
		a.t.Fatal("no room")
	}
	return c
}

// outcome is how a wait ended.
type outcome struct {
	instance string
	err      error
	after    time.Duration // since the request's beginning
}

// wait begins a request that waits, and returns it with how its wait will have ended. The request goes on if it got an instance.
func (a *airport) wait() (*passenger, <-chan outcome) {
	a.t.Helper()
	c := a.begin()
	return c, a.await(c, a.t.Context())
}

func (a *airport) await(c *passenger, ctx context.Context) <-chan outcome {
	ended := make(chan outcome, 1)
	go func() {
		in, err := c.awaitInstance(ctx)
		o := outcome{"", err, time.Since(c.began)}
		if in != nil {
			o.instance = in.id
		}
		ended <- o
	}()
	synctest.Wait()
	return ended
}

func (c *passenger) land() { c.end(&Record{Status: 200}) }

// still fails the test if a wait has ended.
func still(t *testing.T, what string, waits ...<-chan outcome) {
	t.Helper()
	synctest.Wait()
	for i, w := range waits {
		select {
		case o := <-w:
			t.Fatalf("%s: wait %d ended with %q, %v", what, i, o.instance, o.err)
		default:
		}
	}
}

// served fails the test unless the wait has ended with an instance.
func served(t *testing.T, what string, waits ...<-chan outcome) {
	t.Helper()
	synctest.Wait()
	for i, w := range waits {
		select {
		case o := <-w:
			if o.err != nil {
				t.Fatalf("%s: wait %d ended with %v", what, i, o.err)
			}
		default:
			t.Fatalf("%s: wait %d goes on", what, i)
		}
	}
}

// refused fails the test unless the wait ended so.
func refused(t *testing.T, what string, w <-chan outcome, err error, after time.Duration) {
	t.Helper()
	if o := <-w; o.err != err || o.after != after {
		t.Fatalf("%s: %v after %v; want %v after %v", what, o.err, o.after, err, after)
	}
}
