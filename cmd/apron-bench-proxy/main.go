// Command apron-bench-proxy compares apron's data plane with nginx, HAProxy, Caddy, Go's own reverse proxy and no proxy at
// all: the same upstream, the same client, in turns, on one machine. `make bench-proxy` runs it. It prints tables for
// docs/benchmarks.md; it never passes or fails on a figure.
//
// apron is the real program, and the upstream a real service of it, in an instance. The others, and the client that measures
// them, run in that instance's network namespace, so each reaches the upstream over the same loopback interface as apron does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are what is measured, and how long.
type options struct {
	apron       string
	rows        []string
	peers       []string
	rounds      int
	duration    time.Duration
	connections int
	idle        int
}

func main() {
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away must not keep us from stopping what was started
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := dispatch(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench-proxy:", err)
		os.Exit(1)
	}
}

// dispatch tells the benchmark from the two programs that it starts of itself.
func dispatch(ctx context.Context) error {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case modeProxy:
			return serveReverseProxy(ctx, os.Args[2:])
		case modeIdle:
			return holdIdle(ctx, os.Args[2:])
		}
	}
	o, err := parse()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	return run(ctx, o)
}

func parse() (o options, err error) {
	flag.StringVar(&o.apron, "apron", "bin/apron", "the apron program")
	rows := flag.String("only", "small,64k,tls,logged,memory", "the rows to measure")
	peers := flag.String("peers", "apron,nginx,haproxy,caddy,go,none", "the proxies to compare; none is the upstream itself")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each is measured; the medians are printed")
	seconds := flag.Float64("seconds", 5, "how long each is measured")
	flag.IntVar(&o.connections, "connections", 64, "how many connections send requests")
	flag.IntVar(&o.idle, "idle", 2000, "memory: how many connections idle")
	flag.Parse()
	o.rows, o.peers = strings.Split(*rows, ","), strings.Split(*peers, ",")
	o.duration = time.Duration(*seconds * float64(time.Second))
	switch {
	case o.rounds < 1 || o.idle < 1 || o.connections < 1 || o.duration < time.Second:
		err = errors.New("-rounds, -idle and -connections begin at 1, and -seconds at 1, the least that wrk knows")
	case os.Geteuid() != 0:
		err = errors.New("instances and their network namespaces need root; run it with sudo")
	}
	return o, err
}

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "apron-bench-proxy-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, dir: dir}
	defer func() { err = errors.Join(err, b.close()) }()
	rows, err := rowsNamed(o.rows)
	if err == nil {
		err = b.open(ctx)
	}
	if err != nil {
		return err
	}
	b.printMachine(os.Stdout)
	for _, r := range rows {
		if r.memory {
			err = b.memory(ctx)
		} else {
			err = b.loads(ctx, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
