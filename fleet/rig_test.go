package fleet_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"apron/driver/drivertest"
	"apron/fleet"
)

// rig is a running fleet over a fake driver, and a journal of what it told the data plane and the owner.
type rig struct {
	*fleet.Fleet
	t    *testing.T
	fake *drivertest.Fake
	end  func() // ends Run, as a shutdown of the server

	mu        sync.Mutex
	journal   []string // "publish a b", "drain a"
	published []string
	events    []string
	drain     func(ctx context.Context, id string) error
	busy      map[string]int // requests in flight, by instance
	given     uint64         // to every instance
}

// bubble runs test in a synctest bubble over a fresh machine.
func bubble(t *testing.T, test func(*testing.T, *rig)) {
	synctest.Test(t, func(t *testing.T) { test(t, newRig(t, drivertest.NewFake(t))) })
}

// newRig starts a fleet; Recover is left to the test when it passes a driver that was restarted.
func newRig(t *testing.T, fake *drivertest.Fake) *rig {
	r := &rig{t: t, fake: fake}
	r.drain = func(context.Context, string) error { return nil }
	dir := t.TempDir()
	r.Fleet = fleet.New(fleet.Config{
		Driver:  fake,
		Log:     slog.New(slog.NewTextHandler(t.Output(), nil)),
		LogPath: func(_, id string) (string, error) { return filepath.Join(dir, id+".log"), nil },
		Publish: r.publish,
		Drain: func(ctx context.Context, id string) error {
			r.note("drain " + id)
			return r.drain(ctx, id)
		},
		Idle: func(_ string, idle bool) { r.note(fmt.Sprintf("idle %v", idle)) },
		Refuse: func(_, reason string) {
			r.note(strings.TrimSpace("refuse " + reason))
		},
		Use: r.use,
		Event: func(_, text string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, text)
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx)
	}()
	r.end = func() { cancel(); <-ended }
	t.Cleanup(r.end)
	synctest.Wait()
	return r
}

func (r *rig) use(_, id string) (inFlight int, given uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.busy[id], r.given
}

// setUse says how many requests the instances have in flight.
func (r *rig) setUse(busy map[string]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = busy
}

// starts counts the driver's calls that started or ended anything.
func (r *rig) starts() (n int) {
	for _, call := range r.fake.Calls() {
		if !strings.HasPrefix(call, "cpu ") {
			n++
		}
	}
	return n
}

func (r *rig) publish(_ string, ids []string) {
	r.note(strings.TrimSpace("publish " + strings.Join(ids, " ")))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.published = ids
}

func (r *rig) note(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.journal = append(r.journal, line)
}

// lines returns the journal since the last call.
func (r *rig) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.journal
	r.journal = nil
	return lines
}

func (r *rig) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.published)
}

func (r *rig) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// restart ends the server and starts the next one over the same machine.
func (r *rig) restart() *rig {
	r.end()
	return newRig(r.t, r.fake.Restart())
}

func (r *rig) recover(desired []fleet.Revision, busy ...string) {
	r.t.Helper()
	if err := r.Recover(r.t.Context(), desired, busy); err != nil {
		r.t.Fatal("Recover:", err)
	}
}

// serve recovers an empty machine, deploys and serves.
func (r *rig) serve(rev fleet.Revision) {
	r.t.Helper()
	if len(r.fake.IDs()) == 0 {
		r.recover(nil)
	}
	r.deploy(rev)
}

func (r *rig) deploy(rev fleet.Revision) {
	r.t.Helper()
	if err := r.Deploy(r.t.Context(), rev); err != nil {
		r.t.Fatal("Deploy:", err)
	}
	if err := r.Serve(rev.Service, rev.ID); err != nil {
		r.t.Fatal("Serve:", err)
	}
}

// get is a request to the instance, whatever comes of it.
func (r *rig) get(id, path string) {
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return r.Dial(ctx, id)
		},
	}}
	if resp, err := client.Get("http://instance" + path); err == nil {
		resp.Body.Close()
	}
}

func (r *rig) want(what string, got, want any) {
	r.t.Helper()
	if a, ok := got.([]string); ok {
		if !slices.Equal(a, want.([]string)) {
			r.t.Errorf("%s = %q, want %q", what, got, want)
		}
		return
	}
	if got != want {
		r.t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// web is a revision with App Runner's default health check.
func web(id string, size int, env ...string) fleet.Revision {
	return fleet.Revision{
		Service: "web", ID: id, Image: "sha256:any", Env: env, CPU: 1024, Memory: 128, Port: 8080, Size: size,
	}
}

// checked is web with a health check over HTTP.
func checked(id string, size int, env ...string) fleet.Revision {
	rev := web(id, size, env...)
	rev.Health = fleet.Health{Protocol: fleet.HTTP, Path: "/health"}
	return rev
}

// pass lets the bubble's time go on, and everything that is due then come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
