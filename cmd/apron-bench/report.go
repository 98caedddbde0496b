package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// series is one figure, measured several times.
type series struct {
	name  string
	times []time.Duration
}

func (s *series) add(d time.Duration) { s.times = append(s.times, d) }

// at is the quantile q, from 0 to 1, of what was measured.
func (s *series) at(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(s.times))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func (b *bench) print() error {
	fmt.Printf("%s, %d CPUs, Linux %s, %s; %d rounds, in turns; milliseconds\n\n", cpuModel(), runtime.NumCPU(), kernel(), runtime.Version(), len(b.rows[0].times))
	fmt.Println("| figure | median | min | p10 | p90 | max |\n| --- | ---: | ---: | ---: | ---: | ---: |")
	for _, s := range b.rows {
		fmt.Printf("| %s |", s.name)
		for _, q := range []float64{0.5, 0, 0.1, 0.9, 1} {
			fmt.Printf(" %.1f |", float64(s.at(q))/1e6)
		}
		fmt.Println()
	}
	return nil
}

// holdings prints what a service holds on the machine, running and paused.
func (b *bench) holdings() error {
	svc, err := b.create("paused")
	if err != nil {
		return err
	}
	trace, err := b.platform.Trace(*svc.ServiceId)
	if err != nil {
		return err
	}
	running, err := trace.Footprint()
	if err != nil {
		return err
	}
	if _, err := b.pause(svc); err != nil {
		return err
	}
	paused, err := trace.Footprint()
	if err != nil {
		return err
	}
	fmt.Printf("\n(e) one service holds while it runs: %s\n    and paused: %s\n", running, paused)
	return nil
}

// memory prints what a server that has nothing to do keeps resident, on a platform that has done nothing else.
func (b *bench) memory(services int) error {
	fresh, err := b.platform.RSS()
	if err != nil {
		return err
	}
	one, err := b.rssWithPaused(0, 1)
	if err != nil {
		return err
	}
	many, err := b.rssWithPaused(1, services)
	if err != nil {
		return err
	}
	fmt.Printf("\n(f) resident memory of apron serve, idle: %.1f MiB just started, %.1f MiB with one paused service, %.1f MiB with %d\n",
		mib(fresh), mib(one), mib(many), services)
	return nil
}

// settle is how long a server is left alone before its memory is read.
const settle = 2 * time.Second

// rssWithPaused adds paused services, from the one numbered from up to to, and reads the server's memory.
func (b *bench) rssWithPaused(from, to int) (int64, error) {
	for i := from; i < to; i++ {
		svc, err := b.create(fmt.Sprintf("paused-%03d", i))
		if err == nil {
			_, err = b.pause(svc)
		}
		if err != nil {
			return 0, fmt.Errorf("paused service %d of %d: %w", i, to, err)
		}
	}
	time.Sleep(settle)
	return b.platform.RSS()
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // only a label
	_, rest, _ := strings.Cut(string(text), "model name\t: ")
	model, _, _ := strings.Cut(rest, "\n")
	return model
}

func kernel() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease") // only a label
	return strings.TrimSpace(string(text))
}
