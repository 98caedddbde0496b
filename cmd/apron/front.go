package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"apron/driver"
	"apron/edge"
	"apron/handover"
	"apron/proxy"
	"apron/telemetry"
)

// front is what clients are connected to: the listening sockets, the proxy with its table, and the servers of both ports. It
// outlives the control plane, which an upgrade ends in this process and begins in another one.
type front struct {
	log      *slog.Logger
	api      *apiPort
	edge     *net.TCPListener
	proxy    *proxy.Proxy
	services *edge.Server

	telemetry *telemetry.Telemetry // told of every request, to this process's end
	untold    context.CancelFunc   // ends it
	told      chan struct{}        // closed when it has written what it knows

	ties   atomic.Pointer[ties]
	leader atomic.Pointer[handover.Conn] // to the process that is in charge, once this one is no longer
}

// ties are what the data plane wants of the control plane.
type ties struct {
	dial   func(ctx context.Context, instanceID string) (net.Conn, error)
	demand func(service string)    // a request waits for an instance
	failed func(instanceID string) // it gets no requests for a while, because it fails them

	requested func(ctx context.Context, ids []string) (map[string]telemetry.Service, error)
	accessLog func(telemetry.Service) (io.WriteCloser, error)

	before *ties // of the control plane before it, until this one knows the instances
}

// openFront opens the sockets that given has not. Nothing is accepted yet.
func openFront(ctx context.Context, cfg Config, log *slog.Logger, given map[string]net.Listener) (*front, error) {
	certificates, err := openCertificates(cfg, log)
	if err != nil {
		return nil, err
	}
	api, services, err := listen(ctx, cfg, given)
	if err != nil {
		return nil, err
	}
	f := &front{log: log, edge: services}
	f.ties.Store(&ties{})
	if f.telemetry, err = newTelemetry(cfg, log, f); err != nil {
		return nil, errors.Join(err, api.Close(), services.Close())
	}
	f.proxy = proxy.New(proxy.Config{
		Log: log, Dial: f.dial, Demand: f.demand, Failed: f.failed, Ended: f.telemetry.Ended, Traceparent: f.telemetry.Traceparent,
	})
	f.api = newAPIPort(log, api)
	f.services = edge.New(edge.Config{
		Log: log, Proxy: f.proxy, Certificates: certificates, Redirect: cfg.Door.HTTPS == httpsRedirect,
		MaxConns: cfg.Door.MaxConns, MaxConnsPerClient: cfg.Door.MaxConnsPerClient,
	})
	f.tellOfRequests()
	return f, nil
}

// tie makes t the control plane that is asked first.
func (f *front) tie(t ties) {
	t.before = f.ties.Load()
	f.ties.Store(&t)
}

// settle lets go of every control plane but the one that was tied last.
func (f *front) settle() {
	t := *f.ties.Load()
	t.before = nil
	f.ties.Store(&t)
}

// dial connects to an instance: by this process's own control plane, by the one before while that lasts, and by the process that
// is in charge once this one is not.
func (f *front) dial(ctx context.Context, instanceID string) (net.Conn, error) {
	for t := f.ties.Load(); t != nil; t = t.before {
		if t.dial == nil {
			continue
		}
		if c, err := t.dial(ctx, instanceID); !errors.Is(err, driver.ErrNotFound) {
			return c, err
		}
	}
	if leader := f.leader.Load(); leader != nil {
		return dialThrough(ctx, leader, instanceID)
	}
	return nil, driver.ErrNotFound
}

// demand tells whoever is in charge that a request waits for an instance.
func (f *front) demand(service string) {
	if leader := f.leader.Load(); leader != nil {
		go tellDemand(leader, service)
		return
	}
	if t := f.ties.Load(); t.demand != nil {
		t.demand(service)
	}
}

// failed has the instance looked at by this process's control plane. Another one, which is in charge, meets its failures itself.
func (f *front) failed(_, instanceID, _ string) {
	if t := f.ties.Load(); t.failed != nil && f.leader.Load() == nil {
		t.failed(instanceID)
	}
}

// tellOfRequests begins with it; endTelling ends it.
func (f *front) tellOfRequests() {
	ctx, end := context.WithCancel(context.Background())
	f.untold, f.told = end, make(chan struct{})
	go func() {
		defer close(f.told)
		_ = f.telemetry.Run(ctx) // it logs what fails
	}()
}

// endTelling writes what is known of requests. It may be repeated.
func (f *front) endTelling() {
	f.untold()
	<-f.told
}

var errNotInCharge = errors.New("another process is in charge of the data")

// requested finds services, by way of the process that is in charge. Those that were found before stay known.
func (f *front) requested(ctx context.Context, ids []string) (map[string]telemetry.Service, error) {
	if leader := f.leader.Load(); leader != nil {
		return servicesThrough(ctx, leader, ids)
	}
	t := f.ties.Load()
	if t.requested == nil {
		return nil, errNotInCharge
	}
	return t.requested(ctx, ids)
}

// accessLog opens a service's access log, which the process from before an upgrade and the one after it both write.
func (f *front) accessLog(svc telemetry.Service) (io.WriteCloser, error) {
	t := f.ties.Load()
	if t.accessLog == nil {
		return nil, errNotInCharge
	}
	return t.accessLog(svc)
}

// shutdown ends both ports: requests under way may end within the limit.
func (f *front) shutdown(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var both sync.WaitGroup
	both.Go(func() { f.api.shutdown(ctx) })
	both.Go(func() { f.services.CloseIdle(); _ = f.services.Shutdown(ctx) })
	both.Wait()
}

// close closes the sockets.
func (f *front) close() error {
	return errors.Join(unlessClosed(f.api.socket.Close()), unlessClosed(f.edge.Close()))
}

func unlessClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
