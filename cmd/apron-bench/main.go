// Command apron-bench measures what docs/benchmarks.md states, in one run on one machine: pause, resume and create
// from the call to their effect, and the request that wakes a service, beside the same program started bare and by runc; a commit from the call to its first
// answer, and where that time goes; what paused services hold; how servers answer that have one service or very many;
// and what a call costs by the command line, beside AWS's own. `make bench` runs it. It prints the page's tables; it
// never passes or fails on a time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"apron/aprontest"
)

// options are what is measured, and how long.
type options struct {
	apron    string
	only     []string
	rounds   int
	services int
	sizes    []int
	turns    int
	turn     time.Duration
	builds   int
	colds    int
	bases    []string
	many     int
	bursts   int
}

func main() {
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away must not keep us from stopping the platform
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 40*time.Minute)
	defer cancel()
	o, err := parse()
	if err == nil {
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse() (o options, err error) {
	flag.StringVar(&o.apron, "apron", "bin/apron", "the apron program")
	only := flag.String("only", "times,wake,memory,source,scale,cli", "the parts to measure")
	flag.IntVar(&o.rounds, "rounds", 30, "times, wake, cli: how often each is measured")
	flag.IntVar(&o.services, "services", 100, "memory: how many paused services it is measured with")
	sizes := flag.String("sizes", "1,1000,100000", "scale: how many paused services the servers have that are compared")
	flag.IntVar(&o.turns, "turns", 5, "scale: how often each server is measured with each action")
	flag.DurationVar(&o.turn, "turn", 2*time.Second, "scale: and for how long")
	flag.IntVar(&o.builds, "builds", 7, "source: how often each kind of deployment is measured")
	flag.IntVar(&o.colds, "cold", 1, "source: but for those with empty caches, which take long")
	flag.IntVar(&o.many, "many", 50, "wake: how many services are woken at once")
	flag.IntVar(&o.bursts, "bursts", 5, "wake: and how often")
	bases := flag.String("bases", "host,debian", "source: what is built on: this machine's own Go, and a base made of Debian's packages")
	flag.Parse()
	o.bases = strings.Split(*bases, ",")
	o.only = strings.Split(*only, ",")
	for size := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 {
			return o, fmt.Errorf("-sizes %q: %q is not a number of services; write it as 1,1000", *sizes, size)
		}
		o.sizes = append(o.sizes, n)
	}
	return o, nil
}

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "apron-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program := filepath.Join(dir, "hello")
	if err := aprontest.Build(ctx, "./examples/hello", program); err != nil {
		return err
	}
	b := &bench{ctx: ctx, apron: o.apron, dir: dir, program: program}
	parts := map[string]func() error{
		"times":  func() error { return b.on("times", func() error { return b.times(o.rounds) }) },
		"memory": func() error { return b.on("memory", func() error { return b.memory(o.services) }) },
		"wake": func() error {
			return b.on("wake", func() error { return b.wake(o.rounds, o.many, o.bursts) }, fmt.Sprintf("APRON_QUOTAS=services=%d", o.many))
		},
		"cli":    func() error { return b.cli(o.rounds) },
		"source": func() error { return b.sources(o.builds, o.colds, o.bases) },
		"scale":  func() error { return b.scale(o.sizes, o.turns, o.turn) },
	}
	for _, name := range o.only {
		part := parts[name]
		if part == nil {
			return fmt.Errorf("-only %q names no part; the parts are times, wake, memory, source, scale and cli", name)
		}
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// times runs every figure that is a time, those to be compared in turns so that the machine's moods hit all alike.
func (b *bench) times(rounds int) error {
	if err := b.cycles(rounds); err != nil {
		return err
	}
	if err := b.print(); err != nil {
		return err
	}
	return b.holdings()
}
