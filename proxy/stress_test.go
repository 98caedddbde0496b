package proxy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// checkInvariants looks at the service as no request can: between two changes.
func checkInvariants(s *service) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range s.instances {
		if n := in.gate.inside.n; n > s.limits.Concurrency {
			return fmt.Errorf("%d requests at %s, which may have %d", n, in.id, s.limits.Concurrency)
		}
	}
	n := 0
	for l := s.queue.front; l != nil; l = l.next {
		if n++; s.chooseLocked(l.flight.tried) != nil {
			return fmt.Errorf("a request waits with room for it")
		}
		if l.next != nil && l.next.flight.began.Before(l.flight.began) {
			return fmt.Errorf("the queue is out of order")
		}
	}
	if n != s.queue.n || n > s.inFlight {
		return fmt.Errorf("%d wait, counted as %d, of %d in flight", n, s.queue.n, s.inFlight)
	}
	return nil
}

// TestFlight_UnderStress has hundreds of goroutines go through a service whose instances come, go, fail and return, with
// an eye on what must hold at all times. A lost wake-up would leave a request waiting for its 30 s.
func TestFlight_UnderStress(t *testing.T) {
	a := newAirport(t, Limits{Concurrency: 3, MaxInstances: 4, Queue: 1000}, "i1", "i2")
	stop := make(chan struct{})
	var meddlers, requests sync.WaitGroup
	meddle := func(f func(i int)) {
		meddlers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					f(i)
				}
			}
		})
	}
	sets := [][]string{{"i1", "i2"}, {"i2", "i3", "i4"}, {"i1"}, {"i1", "i2", "i3", "i4"}}
	meddle(func(i int) { a.SetInstances("web", sets[i%len(sets)]); time.Sleep(100 * time.Microsecond) })
	meddle(func(int) {
		if err := checkInvariants(a.svc()); err != nil {
			t.Error(err)
		}
		time.Sleep(50 * time.Microsecond)
	})
	for worker := range 300 {
		requests.Go(func() {
			c := &passenger{}
			for i := range 60 {
				a.fly(c, worker+i)
			}
		})
	}
	requests.Wait()
	close(stop)
	meddlers.Wait()
	if l := a.Load("web"); l.InFlight != 0 || l.Waiting != 0 || l.Requests != 300*60 {
		t.Errorf("load %+v", l)
	}
}

// fly is one request of a stress test: some give up, some fail at their instance and try another.
func (a *airport) fly(c *passenger, kind int) {
	if !a.Proxy.begin(&c.flight, a.svc(), c) {
		a.t.Error("closed")
		return
	}
	defer c.land()
	ctx := context.Background()
	if kind%5 == 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, time.Duration(kind%7)*time.Millisecond)
		defer cancel()
	}
	for range 1 + kind%3%2 {
		in := c.tryInstance()
		if in == nil {
			var err error
			if in, err = c.awaitInstance(ctx); err != nil {
				if ctx.Err() == nil && !(err == errNoInstance && len(c.tried) > 0) {
					a.t.Errorf("refused: %v", err)
				}
				return
			}
		}
		if kind%11 == 0 {
			in.failed(&dialError{errors.New("refused")})
		} else {
			in.succeeded()
		}
		if kind%13 == 0 {
			time.Sleep(50 * time.Microsecond)
		}
		c.leaveInstance()
	}
}
