// Command apron-bench measures what docs/benchmarks.md states, in one run on one machine: pause, resume and create
// from the call to their effect, beside the same program started bare and by runc, and what paused services hold.
// `make bench` runs it. It prints the page's table; it never passes or fails on a time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"apron/aprontest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	apron := flag.String("apron", "bin/apron", "the apron program")
	rounds := flag.Int("rounds", 30, "how often each is measured")
	services := flag.Int("services", 100, "how many paused services the memory is measured with")
	flag.Parse()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	if err := run(ctx, *apron, *rounds, *services); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, apron string, rounds, services int) (err error) {
	dir, err := os.MkdirTemp("", "apron-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program := filepath.Join(dir, "hello")
	if err := aprontest.Build(ctx, "./examples/hello", program); err != nil {
		return err
	}
	p, err := aprontest.Start(ctx, apron, filepath.Join(dir, "data"), nil)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
		defer cancel()
		err = errors.Join(err, p.Stop(end, true))
	}()
	b := &bench{ctx: ctx, platform: p, client: p.Client(), http: p.HTTP(), dir: dir, program: program}
	if err := b.push(); err != nil {
		return err
	}
	return b.measure(rounds, services)
}

// measure runs every figure, those to be compared in turns so that the machine's moods hit all alike.
func (b *bench) measure(rounds, services int) error {
	idle, err := b.platform.RSS()
	if err != nil {
		return err
	}
	if err := b.cycles(rounds); err != nil {
		return err
	}
	if err := b.print(); err != nil {
		return err
	}
	return b.holdings(idle, services)
}
