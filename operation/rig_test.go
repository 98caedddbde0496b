package operation_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"apron/api"
	"apron/autoscale"
	"apron/control"
	"apron/driver/drivertest"
	"apron/fleet"
	"apron/image"
	"apron/image/imagetest"
	"apron/logs"
	"apron/operation"
	"apron/proxy"
	"apron/store"
	"apron/store/storetest"
)

var caller = api.Caller{Account: "123456789012", Region: "us-east-1", AccessKeyID: "AKIATEST"}

// machine is what outlives a server: files and images. Its registry holds web:1 and web:2.
type machine struct {
	dir      string
	images   *image.Store
	registry string            // host of the embedded registry, as a reference names it
	digests  map[string]string // by tag
	limits   operation.Limits
	plays    *playbook
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	m := &machine{dir: t.TempDir(), registry: server.Listener.Addr().String(), digests: map[string]string{}, plays: &playbook{}}
	// Files have the real time and bubbles begin in the year 2000: this is ten minutes as a bubble sees them.
	grace := 10*time.Minute - time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	m.limits = operation.Limits{StartAllowance: 5 * time.Minute, StopGrace: 30 * time.Second, DrainLimit: 2 * time.Minute}
	storetest.Create(t, m.storeFile())
	var err error
	if m.images, err = image.Open(filepath.Join(m.dir, "images"), image.Config{Owner: caller.Account, LocalHosts: []string{m.registry}, CollectGrace: grace}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.images.Close() })
	server.Config.Handler = m.images.Registry()
	server.Start()
	defer server.Close()
	for _, name := range []string{"web:1", "web:2"} {
		img := imagetest.Static(t, map[string][]byte{"/app": []byte(strings.Repeat(name, 1000))}, v1.Config{})
		m.digests[name] = imagetest.Push(t, img, m.ref(name), nil)
	}
	return m
}

// another is a machine with the same images and nothing else.
func (m *machine) another(t *testing.T) *machine {
	next := *m
	next.dir, next.plays = t.TempDir(), &playbook{}
	storetest.Create(t, next.storeFile())
	return &next
}

func (m *machine) storeFile() string { return filepath.Join(m.dir, "apron.db") }

func (m *machine) ref(name string) string { return m.registry + "/" + name }

// rig is a whole server but for its ports: every part is the real one, over the fake driver.
type rig struct {
	t       *testing.T
	machine *machine
	fake    *drivertest.Fake
	store   *store.Store
	logs    *logs.Logs
	proxy   *proxy.Proxy
	fleet   *fleet.Fleet
	scaler  *autoscale.Loop
	worker  *operation.Worker
	shop    *workshop
	control *control.Control

	done   <-chan struct{}    // closed when it is told to end
	cancel context.CancelFunc // what SIGTERM does
	wait   func()             // returns when the server has ended

	mu     sync.Mutex
	at     func(kind, place string) // nil, or called at each boundary
	login  func() *image.Auth       // nil, or what every pull asks for credentials
	places []string                 // that operations came by
	said   strings.Builder          // the server's log
}

// bubble runs test on a fresh machine in a synctest bubble, where minutes of waiting cost nothing. Images are pushed
// before it begins, because a bubble's time stands still while anybody reads from a socket.
func bubble(t *testing.T, test func(*rig)) {
	t.Helper()
	bubbleOn(t, newMachine(t), test)
}

func bubbleOn(t *testing.T, m *machine, test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(start(t, m, drivertest.NewFake(t))) })
}

// start ties a server together as cmd/apron does, and lets it run.
func start(t *testing.T, m *machine, fake *drivertest.Fake) *rig {
	t.Helper()
	r := &rig{t: t, machine: m, fake: fake, shop: &workshop{t: t, machine: m}}
	var err error
	if r.store, err = store.Open(t.Context(), m.storeFile()); err != nil {
		t.Fatal(err)
	}
	if r.logs, err = logs.Open(filepath.Join(m.dir, "logs"), logs.Config{}); err != nil {
		t.Fatal(err)
	}
	r.tie(slog.New(slog.NewMultiHandler(slog.NewTextHandler(t.Output(), nil), slog.NewTextHandler(r, nil))))
	r.run()
	return r
}

func (r *rig) tie(log *slog.Logger) {
	r.proxy = proxy.New(proxy.Config{
		Log:  log,
		Dial: func(ctx context.Context, id string) (net.Conn, error) { return r.fleet.Dial(ctx, id) },

		Demand: func(service string) { r.scaler.Kick(service) },
	})
	r.fleet = fleet.New(fleet.Config{
		Driver: r.fake, Log: log, Publish: r.proxy.SetInstances, Drain: r.proxy.Drain,
		Idle: r.proxy.SetIdle, Refuse: r.proxy.Refuse, Use: r.proxy.Use,
		LogPath: func(_, id string) (string, error) { return filepath.Join(r.machine.dir, id+".log"), nil },
		Event:   func(string, string) {},

		StartAllowance: r.machine.limits.StartAllowance, StopGrace: r.machine.limits.StopGrace, DrainLimit: r.machine.limits.DrainLimit,
	})
	r.scaler = autoscale.NewLoop(autoscale.LoopConfig{
		Log: log, Observe: r.observe, Scale: r.fleet.Scale, Event: func(string, string) {},
	})
	r.worker = operation.New(operation.Config{
		Log: log, Store: r.store, Images: r.machine.images, Fleet: r.fleet, Proxy: r.proxy, Logs: r.logs, Autoscale: r.scaler,
		Auth: r.auth, Boundary: r.boundary, Limits: r.machine.limits,
		Sources: r.shop, Builds: r.shop, Remote: r.shop.remote, Bases: r.shop.bases,
		Relieve: r.shop.relieve,
	})
	r.control = control.New(control.Config{
		Log: log, Store: r.store, Wake: r.worker.Wake, Interrupt: r.worker.Interrupt, Progress: r.worker.Progress, Retagged: r.worker.Retagged,
		Host:       func(label, region string) string { return label + "." + region + ".apron.localhost" },
		Domain:     "apron.localhost",
		CheckImage: image.CheckName, CheckRepository: func(string, *url.URL) error { return nil },
		TokenKey: []byte("0123456789abcdef0123456789abcdef"), Quotas: control.DefaultQuotas(), Settle: r.worker.Settle,
	})
}

func (r *rig) observe(service string) (autoscale.Observation, bool) {
	l := r.proxy.Load(service)
	ready, starting := r.fleet.Counts(service)
	return autoscale.Observation{
		At: time.Now(), InFlight: l.InFlight, Waiting: l.Waiting, Peak: l.Peak, Ready: ready, Starting: starting, LastUse: l.LastUse,
	}, true
}

// run is cmd/apron's order: fleet, then what the last server left, then operations.
func (r *rig) run() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { r.fleet.Run(ctx) })
	r.done, r.cancel = ctx.Done(), cancel
	r.wait = sync.OnceFunc(func() {
		group.Wait()
		r.store.Close()
	})
	r.t.Cleanup(func() { cancel(); r.wait() })
	if err := r.worker.Recover(ctx); err != nil {
		r.t.Fatal("Recover:", err)
	}
	group.Go(func() { r.scaler.Run(ctx) })
	group.Go(func() {
		if err := r.worker.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			r.t.Error("Run:", err)
		}
	})
}

// restart ends the server, if it has not ended, and starts the next one over the same machine.
func (r *rig) restart() *rig {
	r.t.Helper()
	r.cancel()
	r.wait()
	return start(r.t, r.machine, r.fake.Restart())
}

// restartAfter is restart with a change of the records while no server runs.
func (r *rig) restartAfter(change func(*store.Tx) error) *rig {
	r.t.Helper()
	r.cancel()
	r.wait()
	s, err := store.Open(r.t.Context(), r.machine.storeFile())
	if err != nil {
		r.t.Fatal(err)
	}
	if err := errors.Join(s.Update(r.t.Context(), change), s.Close()); err != nil {
		r.t.Fatal(err)
	}
	return r.restart()
}

func (r *rig) boundary(kind, place string) {
	r.mu.Lock()
	r.places = append(r.places, kind+" "+place)
	at := r.at
	r.mu.Unlock()
	if at != nil {
		at(kind, place)
	}
}

func (r *rig) auth(string) *image.Auth {
	r.mu.Lock()
	login := r.login
	r.mu.Unlock()
	if login == nil {
		return nil
	}
	return login()
}

// endAt ends the server when an operation comes by the place. It goes no further: every save after it fails.
func (r *rig) endAt(kind api.OperationType, place string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = func(k, p string) {
		if k == string(kind) && p == place {
			r.cancel()
		}
	}
}

// awaitEnd waits until an operation came by the place of endAt and the server has ended.
func (r *rig) awaitEnd() {
	r.t.Helper()
	select {
	case <-r.done:
		r.wait()
	case <-time.After(12 * time.Hour):
		r.t.Fatal("no operation came by the place")
	}
}

// Write takes the server's log.
func (r *rig) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.Write(p)
}
