package proxy

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

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
