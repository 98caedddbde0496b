// Command apron-clidiff gives generated argument lists to apron and to AWS's own CLI and reports where their exit code,
// standard output or requests differ. The lists are drawn from the API's model: every operation, options that are
// right, wrong, missing or misspelt, values in every form. `make cli-diff` runs it. Both commands talk to a stub on
// loopback that answers by the model too, so that what they print is drawn as well.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"apron/api"
	"apron/cli/model"
)

type options struct {
	apron, aws string
	count      int
	seed       uint64
	jobs       int
	verbose    bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	different, err := run(ctx, parse())
	if err != nil {
		fmt.Fprintln(os.Stderr, "clidiff:", err)
		os.Exit(2)
	}
	if different > 0 {
		os.Exit(1)
	}
}

func parse() (o options) {
	flag.StringVar(&o.apron, "apron", "bin/apron", "the apron program")
	flag.StringVar(&o.aws, "aws", "/usr/bin/aws", "AWS's CLI, version 2")
	flag.IntVar(&o.count, "n", 300, "how many argument lists")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano())%1_000_000, "what the lists are drawn from; without it a fresh one")
	flag.IntVar(&o.jobs, "jobs", 2, "how many lists at once")
	flag.BoolVar(&o.verbose, "v", false, "print every list")
	flag.Parse()
	return o
}

// run prints what differs and how many of the lists do.
func run(ctx context.Context, o options) (int, error) {
	service, err := model.Read("apprunner", api.Model)
	if err != nil {
		return 0, err
	}
	c, err := newContest(o)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	results := make([]result, o.count)
	var group sync.WaitGroup
	places := make(chan struct{}, o.jobs)
	for i := range results {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			results[i] = c.play(ctx, newDraw(service, o.seed, uint64(i)).trial())
		})
	}
	group.Wait()
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("stopped: %w", context.Cause(ctx))
	}
	return report(o, results), nil
}
