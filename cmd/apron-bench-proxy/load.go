package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"time"
)

// row is one kind of load.
type row struct {
	name, title, path string
	body              int // bytes of an answer's body
	tls, logged       bool
	memory            bool // no load at all: connections that idle
}

var allRows = []row{
	{name: "small", title: "small answers", path: "/", body: 13},
	{name: "64k", title: "answers of 64 KB", path: "/64k", body: 64 << 10},
	{name: "tls", title: "small answers over TLS", path: "/", body: 13, tls: true},
	{name: "logged", title: "small answers, each written to an access log", path: "/", body: 13, logged: true},
	{name: "memory", memory: true},
}

// rowsNamed are the rows of these names, in that order.
func rowsNamed(names []string) (rows []row, err error) {
	for _, name := range names {
		found := false
		for _, r := range allRows {
			if r.name == name {
				rows, found = append(rows, r), true
			}
		}
		if !found {
			return nil, fmt.Errorf("-only %q names no row; the rows are small, 64k, tls, logged and memory", name)
		}
	}
	return rows, nil
}

// address is where the peer takes this kind of load; "" when it does not.
func (p *peer) address(r row) string {
	switch {
	case r.tls:
		return p.tls
	case r.logged:
		return p.logs
	}
	return p.plain
}

// load is what one run of wrk says, and what the proxy used meanwhile.
type load struct {
	Requests, Microseconds, Bytes, Failed int64
	P50, P99                              int64 // microseconds
	cpu                                   time.Duration
}

// perSecond is how many requests were answered in a second.
func (l load) perSecond() float64 { return float64(l.Requests) / (float64(l.Microseconds) / 1e6) }

// cpuEach is what one request cost the proxy, in microseconds.
func (l load) cpuEach() float64 { return float64(l.cpu.Microseconds()) / float64(l.Requests) }

// run sends requests over the connections for a while. An answer that is not what it should be is an error.
func (b *bench) run(ctx context.Context, p *peer, r row, connections int, duration time.Duration) (l load, err error) {
	pid := p.pid()
	var before time.Duration
	if pid != 0 {
		if before, err = cpuOf(pid); err != nil {
			return l, err
		}
	}
	if l, err = b.wrk(ctx, p, r, connections, duration); err != nil {
		return l, err
	}
	if pid != 0 {
		after, err := cpuOf(pid)
		if err != nil {
			return l, err
		}
		l.cpu = after - before
	}
	if l.Failed > 0 || l.Requests == 0 || l.Bytes < l.Requests*int64(r.body) {
		return l, fmt.Errorf("of %d requests %d failed, and %d bytes came in all", l.Requests, l.Failed, l.Bytes)
	}
	return l, nil
}

func (b *bench) wrk(ctx context.Context, p *peer, r row, connections int, duration time.Duration) (l load, err error) {
	scheme := "http"
	if r.tls {
		scheme = "https"
	}
	args := []string{
		"wrk", "--threads", fmt.Sprint(min(workers, connections)), "--connections", fmt.Sprint(connections), "--duration", fmt.Sprintf("%.0fs", duration.Seconds()),
		"--timeout", "10s", "--script", filepath.Join(b.dir, "wrk.lua"), "--header", "Host: " + b.host(r.logged),
		scheme + "://" + net.JoinHostPort(b.hostname(), portOf(p.address(r))) + r.path,
	}
	args = p.inside(args)
	ctx, cancel := context.WithTimeout(ctx, duration+time.Minute)
	defer cancel()
	out, err := apart(exec.CommandContext(ctx, args[0], args[1:]...)).CombinedOutput()
	if err != nil {
		return l, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	i := bytes.LastIndexByte(bytes.TrimSpace(out), '\n')
	if err := json.Unmarshal(out[i+1:], &l); err != nil {
		return l, fmt.Errorf("wrk said no figures: %w\n%s", err, out)
	}
	return l, nil
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// awaitLimit is how long a proxy may take to its first answer.
const awaitLimit = 30 * time.Second

// await asks until the upstream answers by way of the peer.
func (b *bench) await(ctx context.Context, p *peer) error {
	client := []string{"curl", "--silent", "--show-error", "--fail", "--max-time", "2", "--header", "Host: " + b.host(false), "http://" + p.plain + "/"}
	client = p.inside(client)
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		out, err := exec.CommandContext(ctx, client[0], client[1:]...).CombinedOutput()
		if err == nil {
			return nil
		}
		if p.process != nil {
			if err := p.process.ended(); err != nil {
				return err
			}
		}
		if time.Since(begin) > awaitLimit || ctx.Err() != nil {
			return fmt.Errorf("no answer within %v: %w\n%s", awaitLimit, err, out)
		}
	}
}
