package main

import (
	"context"
	"embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"
)

// workers is how many threads serve in each proxy.
const workers = 2

// peer is one way to the upstream.
type peer struct {
	name, title      string
	bench            *bench
	command          []string // none: apron, or nothing at all
	process          *process
	outside          bool // of the upstream's network namespace
	plain, tls, logs string
}

// newPeer knows what each name of -peers stands for.
func (b *bench) newPeer(name string) (*peer, error) {
	p := &peer{name: name, bench: b}
	switch name {
	case "apron":
		p.title, p.outside = "apron", true
	case "nginx":
		p.title, p.command = name, []string{"nginx", "-e", "stderr", "-c", filepath.Join(b.dir, "nginx.conf")}
		p.listen(7010)
	case "haproxy":
		p.title, p.command = "HAProxy", []string{"haproxy", "-db", "-f", filepath.Join(b.dir, "haproxy.cfg")}
		p.listen(7020)
	case "caddy":
		p.title, p.command = "Caddy", []string{"caddy", "run", "--adapter", "caddyfile", "--config", filepath.Join(b.dir, "Caddyfile")}
		p.listen(7030)
	case "go":
		p.title, p.command = "Go's ReverseProxy", []string{b.self, modeProxy, "-upstream", upstream, "-certificates", b.dir}
		p.listen(7040)
		p.command = append(p.command, "-plain", p.plain, "-tls", p.tls)
		p.logs = ""
	case "none":
		p.title, p.plain = "no proxy", upstream
	default:
		return nil, fmt.Errorf("-peers %q is none of apron, nginx, haproxy, caddy, go and none", name)
	}
	return p, nil
}

// listen gives the peer its three ports, the first of which is base.
func (p *peer) listen(base int) {
	p.plain, p.tls, p.logs = local(base), local(base+1), local(base+2)
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", fmt.Sprint(port)) }

// start starts the proxy, or starts it anew, and waits until it answers.
func (p *peer) start(ctx context.Context) (err error) {
	switch {
	case p.name == "apron":
		edge := strings.TrimPrefix(p.bench.platform.Env["APRON_EDGE_URL"], "http://")
		p.plain, p.tls, p.logs = edge, edge, edge // one port takes both, and each service has its own log
		return p.bench.await(ctx, p)
	case p.command == nil:
		return p.bench.await(ctx, p)
	}
	log := filepath.Join(p.bench.dir, p.name+".out")
	environ := []string{fmt.Sprint("GOMAXPROCS=", workers), "HOME=" + p.bench.dir}
	if p.process, err = startProcess(p.inside(p.command), environ, log); err != nil {
		return err
	}
	return p.bench.await(ctx, p)
}

// restart ends the proxy and starts it, so that it holds nothing of what it did before.
func (p *peer) restart(ctx context.Context) error {
	switch {
	case p.name == "apron":
		end, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := p.bench.platform.Stop(end, false); err != nil {
			return err
		}
		if err := p.bench.startPlatform(ctx); err != nil {
			return err
		}
	case p.process != nil:
		if err := p.process.stop(); err != nil {
			return err
		}
	}
	return p.start(ctx)
}

// inside is the command as it has to be run to reach the peer, or to be it.
func (p *peer) inside(command []string) []string {
	if p.outside {
		return command
	}
	return append([]string{"nsenter", "--net=" + p.bench.namespace}, command...)
}

// pid is the first of the proxy's processes; 0 when it has none.
func (p *peer) pid() int {
	switch {
	case p.name == "apron":
		return p.bench.platform.PID()
	case p.process != nil:
		return p.process.pid()
	}
	return 0
}

//go:embed nginx.conf haproxy.cfg Caddyfile wrk.lua
var configurations embed.FS

// writeConfigurations fills in the other proxies' files, and makes the certificate.
func (b *bench) writeConfigurations() error {
	if err := writeCertificate(b.dir, b.hostname()); err != nil {
		return err
	}
	for file, base := range map[string]int{"nginx.conf": 7010, "haproxy.cfg": 7020, "Caddyfile": 7030, "wrk.lua": 0} {
		t, err := template.ParseFS(configurations, file)
		if err != nil {
			return err
		}
		out, err := os.Create(filepath.Join(b.dir, file))
		if err != nil {
			return err
		}
		err = t.Execute(out, map[string]any{
			"Dir": b.dir, "Workers": workers, "Upstream": upstream, "Cipher": "TLS_AES_128_GCM_SHA256", // which Go's TLS takes
			"Plain": local(base), "TLS": local(base + 1), "Logged": local(base + 2),
			"PlainPort": base, "TLSPort": base + 1, "LoggedPort": base + 2,
		})
		if closed := out.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
	}
	return nil
}
