package autoscale

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// town is services as the loop sees them: what is observed is set by the test, and what the loop does stands in lines.
type town struct {
	mu    sync.Mutex
	seen  map[string]Observation
	looks map[string]int
	did   []string
	log   bytes.Buffer
	deaf  bool // Scale changes nothing, as when instances fail to start
	*Loop
}

func newTown(t *testing.T, block func(service string)) *town {
	v := &town{seen: map[string]Observation{}, looks: map[string]int{}}
	v.Loop = NewLoop(LoopConfig{
		Log: slog.New(slog.NewTextHandler(&v.log, nil)),
		Observe: func(name string) (Observation, bool) {
			if block != nil {
				block(name)
			}
			v.mu.Lock()
			defer v.mu.Unlock()
			v.looks[name]++
			o, ok := v.seen[name]
			o.At = time.Now()
			return o, ok
		},
		Scale: func(name string, size int) {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.did = append(v.did, fmt.Sprintf("scale %s to %d", name, size))
			if o := v.seen[name]; !v.deaf {
				o.Ready = size
				v.seen[name] = o
			}
		},
		Event: func(name, text string) {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.did = append(v.did, name+": "+text)
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- v.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return v
}

func (v *town) see(name string, o Observation) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen[name] = o
}

// happened returns what was done since it was called last, and logged, and how often the service was looked at.
func (v *town) happened(name string) (did string, lines, looks int) {
	synctest.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	did, lines, looks = strings.Join(v.did, "\n"), strings.Count(v.log.String(), "\n"), v.looks[name]
	v.did, v.looks[name] = nil, 0
	v.log.Reset()
	return did, lines, looks
}

func (v *town) expect(t *testing.T, name, did string, lines, looks int) {
	t.Helper()
	d, n, k := v.happened(name)
	if d != did || n != lines || k != looks {
		t.Errorf("happened:\n%s\nin %d log lines and %d looks; want:\n%s\nin %d and %d", d, n, k, did, lines, looks)
	}
}

func TestLoop_SaysEachChangeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTown(t, nil)
		v.see("s", Observation{Ready: 1})
		v.Set("s", Config{MaxConcurrency: 10})
		v.expect(t, "s", "", 0, 1)
		v.see("s", Observation{InFlight: 25, Waiting: 15, Ready: 1})
		time.Sleep(1500 * time.Millisecond)
		v.expect(t, "s", "scale s to 3\ns: Scaled from 1 instance to 3: 25 requests at once, 15 waiting, and 1 instance takes 10 (MaxConcurrency 10).", 1, 1)
		time.Sleep(10 * time.Second)
		v.expect(t, "s", "", 0, 10)
	})
}

func TestLoop_RepeatsWhatHasNotHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTown(t, nil)
		v.deaf = true
		v.see("s", Observation{InFlight: 25, Ready: 1})
		v.Set("s", Config{MaxConcurrency: 10})
		v.expect(t, "s", "scale s to 3\ns: Scaled from 1 instance to 3: 25 requests at once, 0 waiting, and 1 instance takes 10 (MaxConcurrency 10).", 1, 1)
		time.Sleep(2500 * time.Millisecond)
		v.expect(t, "s", "scale s to 3\nscale s to 3", 0, 2)
	})
}

func TestLoop_KickIsAtOnceAndManyAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTown(t, nil)
		v.see("s", Observation{})
		v.Set("s", Config{MinSize: 2, IdleTimeout: time.Minute})
		v.expect(t, "s", "", 0, 1)
		time.Sleep(100 * time.Millisecond)
		v.see("s", Observation{InFlight: 1, Waiting: 1})
		for range 1000 {
			v.Kick("s")
		}
		v.expect(t, "s", "scale s to 2\ns: Scaled from 0 instances to 2: woken by 1 request.", 1, 1)
		time.Sleep(rest)
		v.expect(t, "s", "", 0, 1) // those that came while it was looked at: they may have seen more
		time.Sleep(800 * time.Millisecond)
		v.expect(t, "s", "", 0, 0)
		v.Kick("other")
	})
}

func TestLoop_OneServiceHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		v := newTown(t, func(service string) {
			if service == "slow" {
				<-open
			}
		})
		defer close(open)
		v.Set("slow", Config{})
		v.see("s", Observation{InFlight: 1, Waiting: 1})
		v.Set("s", Config{IdleTimeout: time.Minute})
		v.expect(t, "s", "scale s to 1\ns: Scaled from 0 instances to 1: woken by 1 request.", 1, 1)
	})
}

func TestLoop_LeavesAloneWhatCannotBeObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTown(t, nil)
		v.Set("s", Config{MinSize: 3})
		time.Sleep(5500 * time.Millisecond)
		v.expect(t, "s", "", 0, 6)
		v.see("s", Observation{Ready: 1})
		time.Sleep(time.Second)
		v.expect(t, "s", "scale s to 3\ns: Scaled from 1 instance to 3: MinSize is 3.", 1, 1)
	})
}

// Mutexes do not stand still in a bubble, so this test is outside of one.
func TestLoop_RemoveWaitsForALook(t *testing.T) {
	looking, open := make(chan struct{}), make(chan struct{})
	v := newTown(t, func(string) { looking <- struct{}{}; <-open })
	v.Set("s", Config{})
	<-looking
	removed := make(chan struct{})
	go func() { v.Remove("s"); close(removed) }()
	select {
	case <-removed:
		t.Error("Remove returned while the service was looked at")
	case <-time.After(20 * time.Millisecond):
	}
	close(open)
	<-removed
}

func TestLoop_RemoveEndsTheLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTown(t, nil)
		v.see("s", Observation{Ready: 1})
		v.Set("s", Config{})
		v.expect(t, "s", "", 0, 1)
		v.Remove("s")
		v.Remove("s")
		v.Kick("s")
		time.Sleep(10 * time.Second)
		v.expect(t, "s", "", 0, 0)
		v.Set("s", Config{MinSize: 4})
		v.expect(t, "s", "scale s to 4\ns: Scaled from 1 instance to 4: MinSize is 4.", 1, 1)
	})
}
