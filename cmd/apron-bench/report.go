package main

import (
	"errors"
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

// holdings prints what paused services cost.
func (b *bench) holdings(idle int64, services int) error {
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
	return b.memory(idle, services)
}

func (b *bench) memory(idle int64, services int) error {
	one, err := b.platform.RSS()
	if err != nil {
		return err
	}
	for i := range services {
		svc, err := b.create(fmt.Sprintf("paused-%03d", i))
		if err == nil {
			_, err = b.pause(svc)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("service %d of %d", i, services), err)
		}
	}
	many, err := b.platform.RSS()
	if err != nil {
		return err
	}
	fmt.Printf("\n(f) resident memory of apron serve: %.1f MiB just started, %.1f MiB after the rounds above with a few services, %.1f MiB with %d paused services more\n",
		mib(idle), mib(one), mib(many), services)
	return nil
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
