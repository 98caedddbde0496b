package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
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

func TestLimit_HoldsForEachInstance(t *testing.T) {
	a := newAirport(t, Limits{Concurrency: 2}, "i1", "i2")
	var at []string
	for range 4 {
		at = append(at, a.board().instance.id)
	}
	slices.Sort(at)
	if !slices.Equal(at, []string{"i1", "i1", "i2", "i2"}) {
		t.Errorf("went to %v", at)
	}
	late := a.begin()
	if in := late.tryInstance(); in != nil {
		t.Errorf("a fifth got %s", in.id)
	}
	if l := a.Load("web"); l.InFlight != 5 || l.Instances != 2 {
		t.Errorf("load %+v", l)
	}
}

func TestQueue_ServesInTheOrderOfBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1")
		at := a.board()
		var all []*passenger
		for range 5 {
			all = append(all, a.begin())
			time.Sleep(time.Millisecond)
		}
		var waits [5]<-chan outcome
		for _, i := range []int{3, 0, 4, 1, 2} { // whoever comes to wait first
			waits[i] = a.await(all[i], t.Context())
		}
		for i := range all {
			still(t, "nobody has left", waits[i:]...)
			at.land()
			served(t, "one has left", waits[i])
			at = all[i]
		}
		at.land()
		if l := a.Load("web"); l.InFlight != 0 || l.Waiting != 0 || l.Requests != 6 {
			t.Errorf("load %+v", l)
		}
	})
}

func TestQueue_IsOvertakenByNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1")
		first := a.board()
		second, wait := a.wait()
		first.land()
		late := a.begin()
		if late.tryInstance() != nil {
			t.Error("a newcomer took the place of one that waited")
		}
		served(t, "the place is free", wait)
		second.land()
		if late.tryInstance() == nil {
			t.Error("no room in an empty service")
		}
		late.land()
	})
}

func TestQueue_AtMaxSizeRefusesWhatIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1, MaxInstances: 1, QueueTime: 7 * time.Second}, "i1")
		at := a.board()
		one, first := a.wait()
		time.Sleep(time.Second)
		two, second := a.wait()
		refused(t, "first", first, errQueueTime, 7*time.Second)
		refused(t, "second", second, errQueueTime, 7*time.Second)
		if one.waited != 7*time.Second {
			t.Errorf("waited %v", one.waited)
		}
		for _, c := range []*passenger{at, one, two} {
			c.land()
		}
	})
}

func TestQueue_BelowMaxSizeWaitsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1, MaxInstances: 2, Queue: 1, RequestTimeout: time.Minute}, "i1")
		at := a.board()
		one, first := a.wait()
		two, second := a.wait() // more than Queue
		still(t, "another instance may come", first, second)
		refused(t, "first", first, errTimeout, time.Minute)
		refused(t, "second", second, errTimeout, time.Minute)
		for _, c := range []*passenger{at, one, two} {
			c.land()
		}
	})
}

func TestQueue_FullAtMaxSizeRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1, MaxInstances: 1, Queue: 2}, "i1")
		at := a.board()
		one, first := a.wait()
		two, second := a.wait()
		three, third := a.wait()
		refused(t, "a third", third, errQueueFull, 0)
		at.land()
		served(t, "one has left", first)
		four, fourth := a.wait()
		still(t, "there is room in the queue again", second, fourth)
		one.land()
		served(t, "another has left", second)
		two.land()
		served(t, "all have left", fourth)
		three.land()
		four.land()
	})
}

func TestQueue_HasAnEndBelowMaxSizeToo(t *testing.T) {
	a := newAirport(t, Limits{Concurrency: 1}, "i1")
	a.board()
	for range mostQueue {
		if _, err := a.begin().enqueue(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.begin().enqueue(); err != errScaling {
		t.Errorf("got %v", err)
	}
}

func TestQueue_IsServedWhenAnInstanceAppears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 2}, "i1")
		all := []*passenger{a.board(), a.board()}
		var waits []<-chan outcome
		for range 3 {
			c, w := a.wait()
			all, waits = append(all, c), append(waits, w)
		}
		a.SetInstances("web", []string{"i1", "i2"})
		served(t, "i2 has room for two", waits[:2]...)
		still(t, "and no more", waits[2])
		a.SetLimits("web", Limits{Concurrency: 3})
		served(t, "each has room for three", waits[2])
		for _, c := range all {
			c.land()
		}
	})
}

func TestQueue_ChangesWithMaxSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1, MaxInstances: 2}, "i1")
		at := a.board()
		c, wait := a.wait()
		time.Sleep(40 * time.Second) // longer than QueueTime, which is not asked below MaxSize
		still(t, "another may come", wait)
		a.SetLimits("web", Limits{Concurrency: 1, MaxInstances: 1})
		refused(t, "none will come", wait, errQueueTime, 40*time.Second)
		at.land()
		c.land()
	})
}

func TestNoInstance_IsWaitedForAsLongAsTheServiceSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{RequestTimeout: time.Minute})
		c, wait := a.wait()
		refused(t, "no instance", wait, errNoInstance, 5*time.Second)
		c.land()

		a.SetIdle("web", true)
		c, wait = a.wait()
		refused(t, "scaled to zero", wait, errTimeout, time.Minute)
		c.land()

		c, wait = a.wait()
		time.Sleep(50 * time.Second)
		a.SetInstances("web", []string{"i1"})
		served(t, "woken", wait)
		c.land()

		a.SetInstances("web", nil)
		c, wait = a.wait()
		time.Sleep(20 * time.Second)
		a.SetIdle("web", false)
		refused(t, "no longer idle", wait, errNoInstance, 25*time.Second)
		c.land()
	})
}

func TestNoInstance_AfterAWaitForRoomHasItsWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1")
		at := a.board()
		c, wait := a.wait()
		time.Sleep(20 * time.Second)
		a.SetInstances("web", nil)
		refused(t, "the instance is gone", wait, errNoInstance, 25*time.Second)
		at.land()
		c.land()
	})
}

func TestWithdraw_ServesWhatWaitsForRoomAndRefusesItAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1")
		at := a.board()
		one, first := a.wait()
		two, second := a.wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		withdrawn := make(chan error, 1)
		go func() { withdrawn <- a.Withdraw(ctx, "web") }()
		still(t, "withdrawn", first, second)
		at.land()
		served(t, "in its turn", first)
		refused(t, "at the deadline", second, errWithdrawn, 10*time.Second)
		if cause := one.cause.Load(); cause == nil || *cause != errWithdrawn {
			t.Error("what is at the instance was not cut")
		}
		one.land()
		two.land()
		if err := <-withdrawn; !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if a.Proxy.begin(&one.flight, a.svc(), one) {
			t.Error("it lets requests in")
		}
	})
}

func TestWithdraw_RefusesWhatWaitsWhenTheLastInstanceGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1")
		at := a.board()
		c, wait := a.wait()
		go a.Withdraw(t.Context(), "web")
		still(t, "withdrawn", wait)
		a.SetInstances("web", nil)
		refused(t, "no instance is left", wait, errWithdrawn, 0)
		at.land()
		c.land()
	})
}

func TestRemove_RefusesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1")
		at := a.board()
		c, wait := a.wait()
		a.Remove("web")
		refused(t, "removed", wait, errWithdrawn, 0)
		at.land()
		c.land()
	})
}

func TestDrain_CutsWhatIsUpgradedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{}, "i1")
		c := a.board()
		a.SetInstances("web", nil)
		drained := make(chan error, 1)
		go func() { drained <- a.Drain(t.Context(), "i1") }()
		time.Sleep(time.Second)
		if c.cause.Load() != nil {
			t.Error("a plain request was cut")
		}
		c.ever.Store(true)
		time.Sleep(time.Second)
		if cause := c.cause.Load(); cause == nil || *cause != errDrained {
			t.Error("the upgraded connection goes on")
		}
		c.land()
		if err := <-drained; err != nil {
			t.Error(err)
		}
	})
}

// slowCut is a carrier whose cut takes its time.
type slowCut struct {
	passenger
	begun, let chan struct{}
}

func (c *slowCut) cut(error) { close(c.begun); <-c.let }

func TestEnd_WaitsForACutThatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{}, "i1")
		c := &slowCut{begun: make(chan struct{}), let: make(chan struct{})}
		c.ever.Store(true)
		a.Proxy.begin(&c.flight, a.svc(), c)
		withdrawn := make(chan error, 1)
		go func() { withdrawn <- a.Withdraw(t.Context(), "web") }()
		<-c.begun
		ended := make(chan struct{})
		go func() { c.land(); close(ended) }()
		synctest.Wait()
		select {
		case <-ended:
			t.Error("the carrier is free for another request while it is being cut")
		default:
		}
		close(c.let)
		<-ended
		if err := <-withdrawn; err != nil {
			t.Error(err)
		}
	})
}

func TestWait_EndsWithItsContextAndKeepsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1")
		at := a.board()
		cause := errors.New("client gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		c := a.begin()
		wait := a.await(c, ctx)
		cancel(cause)
		refused(t, "cancelled", wait, cause, 0)
		c.land()
		next, wait := a.wait()
		at.land()
		served(t, "its place in the queue is gone", wait)
		next.land()
	})
}

func TestWait_ThatEndsAsItIsServedGivesThePlaceOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1")
		at, gone := a.board(), a.begin()
		if in, err := gone.enqueue(); in != nil || err != nil {
			t.Fatal(in, err)
		}
		next, wait := a.wait()
		at.land() // the place is the gone one's, which has not noticed
		still(t, "the place is taken", wait)
		gone.stopWaiting()
		served(t, "given on", wait)
		gone.land()
		next.land()
	})
}

func TestDemand_IsToldOfWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		a := newAirportWith(t, Config{Demand: func(service string) {
			if service == "web" {
				asked.Add(1)
			}
		}}, Limits{Concurrency: 1}, "i1")
		at := a.board()
		if asked.Load() != 0 {
			t.Error("asked for more with room at hand")
		}
		c, wait := a.wait()
		if asked.Load() != 1 {
			t.Errorf("asked %d times", asked.Load())
		}
		at.land()
		served(t, "one has left", wait)
		c.land()
	})
}

func TestLoad_SaysPeakAndLastUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1")
		if l := a.Load("web"); !l.LastUse.IsZero() {
			t.Errorf("never used: %+v", l)
		}
		at := a.board()
		c, wait := a.wait()
		time.Sleep(time.Minute)
		l := a.Load("web")
		if l.InFlight != 2 || l.Waiting != 1 || l.Peak != 2 || !l.LastUse.Equal(time.Now()) {
			t.Errorf("with two in flight: %+v", l)
		}
		<-wait // it has given up
		c.land()
		at.land()
		ended := time.Now()
		time.Sleep(time.Minute)
		if l := a.Load("web"); l.Peak != 2 || l.InFlight != 0 || !l.LastUse.Equal(ended) || l.Requests != 2 {
			t.Errorf("after their end: %+v", l)
		}
		if l := a.Load("web"); l.Peak != 0 {
			t.Errorf("peak %d since the last call", l.Peak)
		}
		if l := a.Load("unknown"); l != (Load{}) {
			t.Errorf("unknown: %+v", l)
		}
	})
}

func TestRecord_IsGivenBeforeTheServiceSeemsEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a *airport
		var got Record
		a = newAirportWith(t, Config{Ended: func(r *Record) {
			got = *r
			if a.InFlight("web") != 1 {
				t.Error("the request has left already")
			}
		}}, Limits{Concurrency: 1}, "i1")
		c := a.begin()
		began := time.Now()
		a.SetInstances("web", nil)
		wait := a.await(c, t.Context())
		time.Sleep(2 * time.Second)
		a.SetInstances("web", []string{"i2"})
		served(t, "an instance has come", wait)
		time.Sleep(3 * time.Second)
		c.end(&Record{Status: 201})
		want := Record{Service: "web", Instance: "i2", Status: 201, Began: began, Waited: 2 * time.Second, Took: 5 * time.Second}
		if got != want {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	})
}

func TestFlight_AllocatesNothing(t *testing.T) {
	a := newAirport(t, Limits{}, "i1", "i2")
	c, r, svc := &passenger{}, &Record{Status: 200}, a.svc()
	if n := testing.AllocsPerRun(1000, func() {
		a.Proxy.begin(&c.flight, svc, c)
		c.tryInstance().succeeded()
		c.leaveInstance()
		c.end(r)
	}); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}

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
