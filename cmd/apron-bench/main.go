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
	"syscall"
	"time"

	"apron/aprontest"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away must not keep us from stopping the platform
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
	b := &bench{ctx: ctx, apron: apron, dir: dir, program: program}
	if err := b.on("speed", func() error { return b.speed(rounds) }); err != nil {
		return err
	}
	return b.on("memory", func() error { return b.memory(services) })
}

// speed runs every figure that is a time, those to be compared in turns so that the machine's moods hit all alike.
func (b *bench) speed(rounds int) error {
	if err := b.cycles(rounds); err != nil {
		return err
	}
	if err := b.print(); err != nil {
		return err
	}
	return b.holdings()
}
