package proxy

import (
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

var (
	errRefused = &dialError{errors.New("refused")}
	errBroken  = io.EOF
)

// instance returns the instance by its id.
func (a *airport) instance(id string) *instance {
	a.t.Helper()
	s := a.svc()
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.instances, func(in *instance) bool { return in.id == id })
	if i < 0 {
		a.t.Fatalf("no instance %s", id)
	}
	return s.instances[i]
}

// goes returns where n requests go that are in flight together, in order.
func (a *airport) goes(n int) []string {
	a.t.Helper()
	var at []string
	var all []*passenger
	for range n {
		c := a.begin()
		all = append(all, c)
		if in := c.tryInstance(); in != nil {
			at = append(at, in.id)
		} else {
			at = append(at, "-")
		}
	}
	for _, c := range all {
		c.land()
	}
	slices.Sort(at)
	return at
}

func (a *airport) wantGoes(when string, want ...string) {
	a.t.Helper()
	if got := a.goes(len(want)); !slices.Equal(got, want) {
		a.t.Errorf("%s: requests go to %v, want %v", when, got, want)
	}
}

func fail(in *instance, err error, times int) {
	for range times {
		in.failed(err)
	}
}

func TestEjection_TakesAFailingInstanceOutAndTellsOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		a := newAirportWith(t, Config{Failed: func(service, id, reason string) {
			told = append(told, service+" "+id+": "+reason)
		}}, Limits{Concurrency: 2}, "i1", "i2")
		in := a.instance("i1")
		fail(in, errBroken, ejectAfter-1)
		in.succeeded()
		fail(in, errBroken, ejectAfter-1)
		a.wantGoes("not in a row", "i1", "i1", "i2", "i2")
		in.failed(errBroken)
		a.wantGoes("in a row", "-", "i2", "i2")
		if want := []string{"web i1: instance closed the connection before it answered"}; !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
		a.SetInstances("web", nil)
	})
}

func TestEjection_EndsWithOneRequestThatShowsTheInstanceWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 2}, "i1", "i2")
		in := a.instance("i1")
		fail(in, errBroken, ejectAfter)
		time.Sleep(leastBackOff - 1)
		a.wantGoes("resting", "-", "i2", "i2")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		a.wantGoes("on trial", "-", "i1", "i2", "i2")
		in.succeeded()
		a.wantGoes("well", "i1", "i1", "i2", "i2")
		fail(in, errBroken, ejectAfter)
		time.Sleep(leastBackOff)
		synctest.Wait()
		a.wantGoes("the back-off begins anew", "-", "i1", "i2", "i2")
		a.SetInstances("web", nil)
	})
}

func TestEjection_LastsTwiceAsLongEachTimeUpToAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1", "i2")
		in := a.instance("i1")
		fail(in, errBroken, ejectAfter)
		for _, rest := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
			time.Sleep(rest*time.Second - 1)
			a.wantGoes("resting", "-", "i2")
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			a.wantGoes("on trial", "i1", "i2")
			in.failed(errBroken)
		}
		a.SetInstances("web", nil)
	})
}

func TestEjection_TrialOfALongRequestDoesNotHoldUpTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 2}, "i1")
		fail(a.instance("i1"), errRefused, ejectAfter)
		time.Sleep(leastBackOff)
		synctest.Wait()
		long := a.board()
		c, wait := a.wait()
		still(t, "one is on trial", wait)
		time.Sleep(trialTime)
		served(t, "it has taken the first", wait)
		c.land()
		long.land()
	})
}

func TestEjection_TrialGoesOnWithTheNextWhenTheFirstGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 2}, "i1")
		fail(a.instance("i1"), errRefused, ejectAfter)
		time.Sleep(leastBackOff)
		synctest.Wait()
		first := a.board()
		c, wait := a.wait()
		first.land() // its client went away: neither well nor ill
		served(t, "the trial is free", wait)
		c.land()
		a.SetInstances("web", nil)
	})
}

func TestEjection_LeavesTheLastOneThatCanBeConnectedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1", "i2")
		fail(a.instance("i1"), errBroken, ejectAfter)
		fail(a.instance("i2"), errBroken, 10*ejectAfter)
		a.wantGoes("i2 is the last", "-", "i2")
		a.instance("i2").failed(errRefused)
		a.wantGoes("i2 refuses", "-", "-")
		a.SetInstances("web", nil)
	})
}

func TestEjection_OfAllMakesRequestsWaitForOneToReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1")
		fail(a.instance("i1"), errRefused, ejectAfter)
		c, wait := a.wait()
		if o := <-wait; o.err != nil || o.after != leastBackOff {
			t.Errorf("%v after %v", o.err, o.after)
		}
		c.land()
		a.instance("i1").failed(errRefused)
		time.Sleep(leastBackOff * 2)
		synctest.Wait()
		a.instance("i1").failed(errRefused)
		a.instance("i1").failed(errRefused) // one that was under way
		time.Sleep(leastBackOff * 4)
		synctest.Wait()
		a.instance("i1").failed(errRefused)
		c, wait = a.wait() // rests for 8 s
		refused(t, "longer than a wait", wait, errNoInstance, 5*time.Second)
		c.land()
		a.SetInstances("web", nil)
	})
}

func TestEjection_OfARetiredInstanceIsNone(t *testing.T) {
	a := newAirportWith(t, Config{Failed: func(_, id, _ string) { t.Errorf("told of %s", id) }}, Limits{}, "i1", "i2")
	in := a.instance("i1")
	a.SetInstances("web", []string{"i2"})
	fail(in, errRefused, 10)
}

func TestInstance_ThatRefusedIsChosenLastForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 2}, "i1", "i2")
		a.instance("i1").failed(errRefused)
		for range 5 {
			a.wantGoes("a moment ago", "i2", "i2")
		}
		a.wantGoes("the other is full", "i1", "i2", "i2")
		time.Sleep(avoidFor)
		a.wantGoes("later", "i1", "i2")
	})
}

func TestRetry_WaitsForRoomElsewhereAndNotForWhatItTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1", "i2")
		at := a.board()
		c := a.board()
		tried := c.instance.id
		c.leaveInstance()
		wait := a.await(c, t.Context())
		other := a.begin()
		if in := other.tryInstance(); in == nil || in.id != tried {
			t.Errorf("room that the waiting one can't use is of use to another")
		}
		other.land()
		still(t, "the instance that it tried has room", wait)
		at.land()
		if o := <-wait; o.err != nil || o.instance == tried {
			t.Errorf("got %+v, tried %s", o, tried)
		}
		c.leaveInstance()
		refused(t, "it has tried all", a.await(c, t.Context()), errNoInstance, 0)
		c.land()
	})
}

func TestRetry_EndsWhenTheOnlyOtherInstanceGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1", "i2")
		at, c := a.board(), a.board()
		mine := c.instance.id
		c.leaveInstance()
		wait := a.await(c, t.Context())
		a.SetInstances("web", []string{mine})
		refused(t, "none is left to try", wait, errNoInstance, 0)
		at.land()
		c.land()
	})
}

func TestEjection_TimerThatFiredAsItWasStoppedDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAirport(t, Limits{Concurrency: 1}, "i1", "i2")
		in := a.instance("i1")
		fail(in, errBroken, ejectAfter)
		a.svc().mu.Lock()
		time.Sleep(leastBackOff) // the timer's function waits for the lock
		in.afterLocked(time.Hour, in.readmitLocked)
		a.svc().mu.Unlock()
		synctest.Wait()
		a.wantGoes("still resting", "-", "i2")
		a.SetInstances("web", nil)
	})
}
