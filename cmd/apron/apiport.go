package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// apiPort serves the API's port. It outlives the control plane that answers there: while another one is in charge, in this process
// or in another one, what comes on connections that clients keep is passed on to it.
type apiPort struct {
	socket *net.TCPListener // stays open while it may have to be handed on or served again
	web    *http.Server
	last   atomic.Bool  // answers say that they are the last on their connections
	conns  atomic.Int64 // open
	other  http.Handler // passes on to whoever accepts

	mu        sync.Mutex
	accepting net.Listener // nil while nothing is accepted
	current   *answerer
}

// answerer is who answers, and for how long.
type answerer struct {
	http.Handler
	ctx  context.Context // done when its requests have to end
	end  context.CancelFunc
	busy sync.WaitGroup
}

func newAnswerer(h http.Handler) *answerer {
	a := &answerer{Handler: h}
	a.ctx, a.end = context.WithCancel(context.Background())
	return a
}

func newAPIPort(log *slog.Logger, socket *net.TCPListener) *apiPort {
	p := &apiPort{socket: socket}
	p.web = httpServer(log, p)
	p.web.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			p.conns.Add(1)
		case http.StateClosed, http.StateHijacked:
			p.conns.Add(-1)
		}
	}
	p.other = p.elsewhere()
	p.current = newAnswerer(p.other)
	return p
}

// open has h answer, and accepts connections until hold or shutdown. Errors of accepting are told to failed.
func (p *apiPort) open(h http.Handler, failed func(error)) error {
	l, err := another(p.socket)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.accepting, p.current = l, newAnswerer(h)
	p.mu.Unlock()
	go func() {
		if err := p.web.Serve(l); !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
			failed(fmt.Errorf("serve on %s: %w", p.socket.Addr(), err))
		}
	}()
	return nil
}

// hold accepts no more connections here, passes what comes on open ones on to whoever accepts, and returns when no request
// is with the control plane any more. After the limit those that are left are cut.
func (p *apiPort) hold(limit time.Duration) {
	p.mu.Lock()
	before := p.current
	p.current = newAnswerer(p.other)
	if p.accepting != nil {
		_ = p.accepting.Close()
		p.accepting = nil
	}
	p.mu.Unlock()
	cut := time.AfterFunc(limit, before.end)
	before.busy.Wait()
	cut.Stop()
	before.end()
}

// ServeHTTP has the current answerer answer.
func (p *apiPort) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	a := p.current
	a.busy.Add(1)
	p.mu.Unlock()
	defer a.busy.Done()
	if p.last.Load() {
		w.Header().Set("Connection", "close")
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := context.AfterFunc(a.ctx, func() {
		cancel()
		rc, now := http.NewResponseController(w), time.Now()
		_ = errors.Join(rc.SetReadDeadline(now), rc.SetWriteDeadline(now.Add(time.Second))) // a client may be slow in either
	})
	defer stop()
	a.Handler.ServeHTTP(w, r.WithContext(ctx))
}

// elsewhere passes requests on to whoever accepts connections on the same socket, exactly as they came: they are signed.
func (p *apiPort) elsewhere() http.Handler {
	address := reachable(p.socket)
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: address})
			r.Out.Host, r.Out.URL.RawQuery = r.In.Host, r.In.URL.RawQuery
		},
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		FlushInterval: -1,
		ErrorLog:      p.web.ErrorLog,
	}
}

// drain makes every answer from now on the last one on its connection.
func (p *apiPort) drain() { p.last.Store(true) }

// emptied returns when no connection is open, or ctx is done, and tells how many are left.
func (p *apiPort) emptied(ctx context.Context) int64 {
	for p.conns.Load() > 0 && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return p.conns.Load()
}

// shutdown ends the server: requests under way may end until ctx is done.
func (p *apiPort) shutdown(ctx context.Context) {
	if p.web.Shutdown(ctx) != nil {
		_ = p.web.Close()
	}
}

// httpServer limits what clients can hold open; bodies and replies are limited where they are handled.
func httpServer(log *slog.Logger, h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

const (
	headerTimeout = 30 * time.Second
	idleTimeout   = 75 * time.Second // longer than the 60 s that load balancers keep idle connections for
)
