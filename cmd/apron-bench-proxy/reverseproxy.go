package main

import (
	"context"
	"crypto/rand"
	"flag"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// modeProxy makes this program a proxy of Go's standard library and nothing else.
const modeProxy = "reverse-proxy"

// serveReverseProxy serves until ctx is done.
func serveReverseProxy(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet(modeProxy, flag.ContinueOnError)
	upstream := flags.String("upstream", "", "address of the upstream")
	plain := flags.String("plain", "", "address to serve HTTP on")
	secure := flags.String("tls", "", "address to serve HTTPS on")
	dir := flags.String("certificates", "", "directory of cert.pem and key.pem")
	if err := flags.Parse(args); err != nil {
		return err
	}
	proxy := newReverseProxy(*upstream)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	servers := []*http.Server{
		{Addr: *plain, Handler: proxy, IdleTimeout: 75 * time.Second, Protocols: protocols},
		{Addr: *secure, Handler: proxy, IdleTimeout: 75 * time.Second, Protocols: protocols},
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(servers[0].ListenAndServe)
	group.Go(func() error {
		return servers[1].ListenAndServeTLS(filepath.Join(*dir, "cert.pem"), filepath.Join(*dir, "key.pem"))
	})
	<-ctx.Done()
	for _, s := range servers {
		s.Close()
	}
	if err := group.Wait(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// newReverseProxy tells the upstream what the other proxies tell it.
func newReverseProxy(upstream string) *httputil.ReverseProxy {
	target := &url.URL{Scheme: "http", Host: upstream}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			host := r.Out.Host
			r.SetURL(target)
			r.Out.Host = host
			r.SetXForwarded()
			r.Out.Header.Del("X-Forwarded-Host")
			r.Out.Header.Set("X-Request-Id", rand.Text())
		},
		Transport:  &http.Transport{MaxIdleConnsPerHost: 128, IdleConnTimeout: 75 * time.Second, DisableCompression: true},
		BufferPool: &buffers{},
		ErrorLog:   log.New(io.Discard, "", 0),
	}
}

// buffers are those that answers are copied through.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(buffer []byte) { b.pool.Put(&buffer) }
