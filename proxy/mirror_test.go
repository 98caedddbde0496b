package proxy

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func newLeader(f Follower) *Proxy {
	p := New(Config{Log: slog.New(slog.DiscardHandler)})
	p.Lead(f)
	return p
}

func TestLead_MakesEachChangeInTheFollowerBeforeItReturns(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via, func(c *Config) { c.InstanceWait = 10 * time.Millisecond })
		e.backend("i1", say("one"))
		e.backend("i2", say("two"))
		leader := newLeader(e.Proxy)
		leader.SetInstances("web", []string{"i1"})
		leader.Open("web", "web.test")
		wants := func(after string, status int, text string) {
			t.Helper()
			if res, body := e.get("/"); res.StatusCode != status || !strings.Contains(body, text) {
				t.Errorf("after %s: %d %q", after, res.StatusCode, body)
			}
		}
		wants("Open", 200, "one")
		leader.SetInstances("web", []string{"i2"})
		wants("SetInstances", 200, "two")
		leader.SetInstances("web", nil)
		wants("SetInstances to none", 503, "no healthy instance")
		leader.Refuse("web", "It does not start.")
		wants("Refuse", 503, "It does not start.")
		leader.SetInstances("web", []string{"i1"})
		if err := leader.Withdraw(t.Context(), "web"); err != nil {
			t.Error(err)
		}
		wants("Withdraw", 404, "")
		leader.Open("web", "web.test")
		leader.SetLimits("web", Limits{BodyLimit: 3})
		if got := e.service("web").limits.BodyLimit; got != 3 {
			t.Errorf("after SetLimits: a limit of %d bytes", got)
		}
		leader.Remove("web")
		wants("Remove", 404, "")
		if err := leader.Drain(t.Context(), "i1"); err != nil {
			t.Error(err)
		}
	})
}

// TestRestate_MakesTheFollowerForget takes over a table that the follower has from somebody else.
func TestRestate_MakesTheFollowerForget(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via, func(c *Config) { c.InstanceWait = 10 * time.Millisecond })
		e.backend("i1", say("one"))
		e.open("i1")
		e.SetIdle("web", true)
		leader := newLeader(e.Proxy)
		leader.Open("web", "web.test") // it has not found an instance
		if res, body := e.get("/"); res.StatusCode != 200 {
			t.Errorf("before: %d %q", res.StatusCode, body)
		}
		leader.Restate()
		if res, body := e.get("/"); res.StatusCode != 503 {
			t.Errorf("after: %d %q", res.StatusCode, body)
		}
	})
}

// slowly answers after half a minute.
func slowly(w http.ResponseWriter, r *http.Request) {
	select {
	case <-time.After(30 * time.Second):
		io.WriteString(w, "done")
	case <-r.Context().Done():
	}
}

// TestLead_WaitsForRequestsInTheFollower drains an instance, and withdraws a service, that only the follower has a request on.
func TestLead_WaitsForRequestsInTheFollower(t *testing.T) {
	for name, end := range map[string]func(context.Context, *Proxy) error{
		"drain": func(ctx context.Context, leader *Proxy) error {
			leader.SetInstances("web", []string{"i2"})
			return leader.Drain(ctx, "i1")
		},
		"withdraw": func(ctx context.Context, leader *Proxy) error { return leader.Withdraw(ctx, "web") },
	} {
		for _, limit := range []time.Duration{time.Minute, 10 * time.Second} {
			t.Run(name+" within "+limit.String(), func(t *testing.T) {
				eachWay(t, func(t *testing.T, via way) {
					bubble(t, via, slowly, func(t *testing.T, p *Proxy, client *http.Client, _ *pipeListener) {
						leader := newLeader(p)
						status := make(chan int)
						go func() {
							got, _, _ := fetch(t, client)
							status <- got
						}()
						synctest.Wait()
						began := time.Now()
						ctx, cancel := context.WithTimeout(t.Context(), limit)
						defer cancel()
						err := end(ctx, leader)
						took := time.Since(began)
						patient := limit > 30*time.Second
						if got := <-status; (got == 200) != patient || (err == nil) != patient || took < min(limit, 30*time.Second) {
							t.Errorf("the request got %d, and %s returned %v after %v", got, name, err, took)
						}
					})
				})
			})
		}
	}
}

type lost struct{ told int }

func (l *lost) Follow(context.Context, Change) error { l.told++; return ErrLost }

func TestLead_ForgetsAFollowerThatIsGone(t *testing.T) {
	gone := &lost{}
	leader := newLeader(gone)
	leader.NoteLoads(Loads{Services: map[string]Load{"web": {InFlight: 3}}})
	leader.SetInstances("web", []string{"i1"})
	leader.SetInstances("web", nil)
	if err := leader.Drain(t.Context(), "i1"); err != nil {
		t.Errorf("Drain = %v: what is gone has nothing in flight", err)
	}
	if gone.told != 1 {
		t.Errorf("it was told %d times", gone.told)
	}
	if n := leader.Load("web").InFlight; n != 0 {
		t.Errorf("%d requests are in flight in what is gone", n)
	}
}

func TestFollow_RefusesWhatItDoesNotKnow(t *testing.T) {
	p := New(Config{Log: slog.New(slog.DiscardHandler)})
	if err := p.Follow(t.Context(), Change{Kind: "divert", Service: "web"}); err == nil || !strings.Contains(err.Error(), `"divert"`) {
		t.Errorf("Follow = %v", err)
	}
}

func TestLoads_AreToldToTheLeader(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		bubble(t, via, slowly, func(t *testing.T, p *Proxy, client *http.Client, _ *pipeListener) {
			leader := newLeader(p)
			leader.SetInstances("web", []string{"i1"})
			done := make(chan struct{})
			go func() {
				defer close(done)
				fetch(t, client)
			}()
			synctest.Wait()
			leader.NoteLoads(p.Loads())
			if l := leader.Load("web"); l.InFlight != 1 || l.Peak != 1 || l.LastUse != time.Now() {
				t.Errorf("load = %+v, want the one request of the follower", l)
			}
			if inFlight, given := leader.Use("web", "i1"); inFlight != 1 || given != 1 {
				t.Errorf("the instance has %d in flight and was given %d", inFlight, given)
			}
			<-done
			synctest.Wait()
			p.Loads() // the peak until here
			leader.NoteLoads(p.Loads())
			if l := leader.Load("web"); l.InFlight != 0 || l.Peak != 0 {
				t.Errorf("load = %+v after the request's end", l)
			}
		})
	})
}
