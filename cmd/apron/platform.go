package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sync/errgroup"

	"apron/autodeploy"
	"apron/autoscale"
	"apron/awsjson"
	"apron/build"
	"apron/build/runtimes"
	"apron/build/source"
	"apron/control"
	"apron/disk"
	"apron/driver/container"
	"apron/fleet"
	"apron/gitserver"
	"apron/image"
	"apron/keyring"
	"apron/logs"
	"apron/operation"
	"apron/proxy"
	"apron/store"
	"apron/telemetry"
)

// platform is the control plane: every part of it, built and tied together, and to the front that clients are connected to.
type platform struct {
	cfg   Config
	log   *slog.Logger
	data  *dataDir
	front *front
	ring  *keyring.Ring

	api, edge net.Listener // of the front; nothing here accepts from them
	store     *store.Store
	keys      *keys
	images    *image.Store
	git       *gitserver.Server
	logs      *logs.Logs
	telemetry *telemetry.Telemetry
	driver    *container.Driver
	bases     *runtimes.Bases
	sources   *source.Fetcher
	builder   *build.Builder
	proxy     *proxy.Proxy
	fleet     *fleet.Fleet
	scaler    *autoscale.Loop
	worker    *operation.Worker
	disk      *disk.Disk
	control   *control.Control
	watcher   *autodeploy.Watcher
	server    *awsjson.Server

	parts *errgroup.Group // what runs, see start
	work  context.Context // of the group; done too when a part has failed
	end   context.CancelFunc

	closers []func() error // of what is open, in the order it was opened
}

// openPlatform opens everything that a control plane needs, in the order in which a failure is cheapest. Nothing runs until
// start.
func openPlatform(ctx context.Context, cfg Config, log *slog.Logger, data *dataDir, front *front) (_ *platform, err error) {
	p := &platform{cfg: cfg, log: log, data: data, front: front, api: front.api.socket, edge: front.edge, proxy: front.proxy, telemetry: front.telemetry}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	for _, open := range []func(context.Context) error{
		p.openRing, p.openStore, p.openKeys, p.openImages, p.openGit, p.openLogs, p.openDriver, p.openBases, p.openBuilds,
	} {
		if err := open(ctx); err != nil {
			return nil, err
		}
	}
	p.tie()
	return p, nil
}

// Close closes what is open, the last opened first. Instances are left running.
func (p *platform) Close() error { return errors.Join(p.letGo(), p.closeAll()) }

func (p *platform) closeAll() error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i]())
	}
	p.closers = nil
	return errors.Join(errs...)
}

// letGo closes the driver, without which the data plane reaches no instance here. It may be repeated.
func (p *platform) letGo() error {
	if p.driver == nil {
		return nil
	}
	return p.driver.Close()
}

func (p *platform) onClose(f func() error) { p.closers = append(p.closers, f) }

func (p *platform) openRing(context.Context) (err error) {
	p.ring, err = keyring.Open(p.data.join(ringFile))
	return err
}

func (p *platform) openStore(ctx context.Context) (err error) {
	if p.store, err = store.Open(ctx, p.data.join(storeFile)); err != nil {
		return err
	}
	p.onClose(p.store.Close)
	return nil
}

func (p *platform) openKeys(ctx context.Context) (err error) {
	p.keys, err = openKeys(ctx, p.store, p.ring, p.cfg.Data)
	return err
}

func (p *platform) openImages(context.Context) (err error) {
	p.images, err = image.Open(p.data.join("images"), image.Config{
		Log: p.log, LocalHosts: p.registryNames(), Owner: p.keys.owner, IsAccount: p.keys.isAccount,
		Pushed: p.imagePushed,
	})
	if err != nil {
		return err
	}
	p.onClose(p.images.Close)
	return nil
}

// registryNames are the hosts by which an image reference means the embedded registry.
func (p *platform) registryNames() []string {
	port := portOf(p.api)
	names := []string{p.api.Addr().String()}
	for _, host := range []string{"localhost", "127.0.0.1", "registry." + p.cfg.Domain} {
		names = append(names, net.JoinHostPort(host, port))
	}
	return names
}

func (p *platform) openLogs(context.Context) (err error) {
	p.logs, err = logs.Open(p.data.join("logs"), logs.Config{Log: p.log})
	return err
}

func (p *platform) openDriver(context.Context) (err error) {
	container.ForwardLogs(p.log)
	p.driver, err = container.New(container.Config{
		Dir:       driverDir(p.cfg),
		Log:       p.log,
		Image:     p.images.Image,
		Namespace: container.Namespace(driverDir(p.cfg)),
	})
	return err
}

func (p *platform) openBases(context.Context) (err error) {
	p.bases, err = runtimes.New(runtimes.Config{
		Dir:      p.data.join("runtimes"),
		Log:      p.log,
		Images:   p.images,
		Driver:   p.driver,
		Registry: p.registryNames()[0],
		Map:      p.cfg.RuntimeImages,
		Auth:     image.KeychainAuth,
	})
	return err
}

func driverDir(cfg Config) string { return filepath.Join(cfg.Data, "driver") }

// tie closes the ring in which data runs: the proxy reaches instances through fleet and counts requests, the autoscaler decides
// by the counts how many instances fleet keeps, fleet tells the proxy which are healthy; operations act on all, control wakes
// operations.
func (p *platform) tie() {
	p.tieInstances()
	p.tieActions()
	p.tieAutoDeploy()
}

func (p *platform) tieInstances() {
	limits := operation.Limits{StartAllowance: p.cfg.StartAllowance, DrainLimit: p.cfg.DrainLimit, StopGrace: p.cfg.StopGrace}
	p.fleet = fleet.New(fleet.Config{
		Driver:         p.driver,
		Log:            p.log,
		LogPath:        p.instanceLog,
		Publish:        p.proxy.SetInstances,
		Idle:           p.proxy.SetIdle,
		Refuse:         p.proxy.Refuse,
		Use:            p.proxy.Use,
		Drain:          p.proxy.Drain,
		Parallel:       2 * max(2, runtime.NumCPU()), // a start waits for the kernel half of its time
		Event:          p.event,
		StopGrace:      limits.StopGrace,
		StartAllowance: limits.StartAllowance,
		DrainLimit:     limits.DrainLimit,
	})
	p.scaler = autoscale.NewLoop(autoscale.LoopConfig{Log: p.log, Observe: p.observeLoad, Scale: p.scale, Event: p.event})
	p.front.tie(ties{
		dial: p.fleet.Dial, demand: p.scaler.Kick, failed: p.fleet.Suspect,
		requested: p.requestedServices, accessLog: p.accessLog,
	})
	p.tieOperations(limits)
	p.openDisk()
}

func (p *platform) tieOperations(limits operation.Limits) {
	p.worker = operation.New(operation.Config{
		Log:       p.log,
		Store:     p.store,
		Images:    p.images,
		Fleet:     p.fleet,
		Proxy:     p.proxy,
		Logs:      p.logs,
		Autoscale: p.scaler,
		Auth:      image.KeychainAuth,
		Sources:   p.sources,
		Builds:    countedBuilds{p.builder, p.telemetry},
		Remote:    p.remote,
		Bases:     p.bases.Kept,
		Relieve:   p.relieve,
		Limits:    limits,
		Ended:     p.operationEnded,
		Boundary:  boundary,
	})
}

func (p *platform) tieActions() {
	p.control = control.New(control.Config{
		Log:             p.log,
		Store:           p.store,
		Wake:            p.wake,
		Settle:          p.worker.Settle,
		Interrupt:       p.worker.Interrupt,
		Progress:        p.worker.Progress,
		Retagged:        p.worker.Retagged,
		ReadLog:         p.readLog,
		Usage:           p.usage,
		Runtimes:        p.bases.List,
		PullRuntime:     p.bases.Pull,
		Webhook:         p.webhook,
		Storage:         p.describeStorage,
		CollectGarbage:  p.collectGarbage,
		Host:            p.host,
		Domain:          p.cfg.Domain,
		CheckImage:      image.CheckName,
		CheckRepository: p.checkRepository,
		TokenKey:        p.ring.MACKey("page tokens"),
		Quotas:          p.cfg.Quotas,
	})
	p.server = awsjson.New(awsjson.Config{
		Log:              p.log,
		Actions:          p.control.Actions(),
		Key:              p.keys.find,
		AllowAnonymous:   p.cfg.AllowAnonymous,
		AnonymousAccount: p.keys.owner,
		AnonymousRegion:  region,
	})
}

// host makes a service's public name: App Runner's form under our domain, with the port where it is not the
// scheme's own, because clients put https:// or http:// before it and nothing behind.
func (p *platform) host(label, region string) string {
	name := label + "." + region + "." + p.cfg.Domain
	if port := portOf(p.edge); port != "80" && (port != "443" || p.cfg.Door.HTTPS == httpsOff) {
		return net.JoinHostPort(name, port)
	}
	return name
}

func portOf(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

// handler is everything on the API's port.
func (p *platform) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", p.server)
	mux.Handle("/v2/", p.images.BasicAuth(p.keys.login))
	mux.Handle("/git/", p.git)
	mux.Handle("GET /metrics", p.metrics())
	mux.Handle("POST /hooks/{service}", p.watcher.Webhook())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return mux
}
