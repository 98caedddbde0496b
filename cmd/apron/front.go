package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"apron/driver"
	"apron/edge"
	"apron/handover"
	"apron/proxy"
)

// front is what clients are connected to: the listening sockets, the proxy with its table, and the servers of both ports. It
// outlives the control plane, which an upgrade ends in this process and begins in another one.
type front struct {
	log      *slog.Logger
	api      *apiPort
	edge     *net.TCPListener
	proxy    *proxy.Proxy
	services *edge.Server

	ties   atomic.Pointer[ties]
	leader atomic.Pointer[handover.Conn] // to the process that is in charge, once this one is no longer
}

// ties are what the data plane wants of the control plane.
type ties struct {
	dial   func(ctx context.Context, instanceID string) (net.Conn, error)
	before *ties // of the control plane before it, until this one knows the instances
}

// openFront opens the sockets that given has not. Nothing is accepted yet.
func openFront(ctx context.Context, cfg Config, log *slog.Logger, given map[string]net.Listener) (*front, error) {
	api, services, err := listen(ctx, cfg, given)
	if err != nil {
		return nil, err
	}
	f := &front{log: log, edge: services}
	f.ties.Store(&ties{})
	f.proxy = proxy.New(proxy.Config{Log: log, Dial: f.dial, Demand: f.demand})
	f.api = newAPIPort(log, api)
	f.services = edge.New(edge.Config{Log: log, Proxy: f.proxy})
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
	}
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
