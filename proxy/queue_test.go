package proxy

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

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
