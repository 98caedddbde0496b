package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// median is the middle one of what each was measured as.
func median[T any](all []T, figure func(T) float64) float64 {
	var values []float64
	for _, one := range all {
		values = append(values, figure(one))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// printMachine says where and when the figures are from.
func (b *bench) printMachine(w io.Writer) {
	fmt.Fprintf(w, "%s, %d CPUs, Linux %s, %s, %s; %d connections; medians of %d rounds of %v, in turns\n",
		label("/proc/cpuinfo", "model name\t: "), runtime.NumCPU(), label("/proc/sys/kernel/osrelease", ""), runtime.Version(),
		time.Now().UTC().Format(time.DateOnly), b.connections, b.rounds, b.duration)
}

// label is the rest of the line behind prefix; it is only for people.
func label(path, prefix string) string {
	text, _ := os.ReadFile(path)
	_, rest, _ := strings.Cut(string(text), prefix)
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

// printLoads prints the medians, and how each compares with nginx.
func (b *bench) printLoads(w io.Writer, r row, peers []*peer, found map[*peer][]load) {
	fmt.Fprintf(w, "\n| %s | requests/s | min | max | to nginx | p50 ms | p99 ms | CPU µs a request | to nginx |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n", r.title)
	var nginx, nginxCPU float64
	for _, p := range peers {
		if p.name == "nginx" {
			nginx, nginxCPU = median(found[p], load.perSecond), median(found[p], load.cpuEach)
		}
	}
	for _, p := range peers {
		all := found[p]
		rate := median(all, load.perSecond)
		least := slices.MinFunc(all, func(x, y load) int { return int(x.perSecond() - y.perSecond()) })
		most := slices.MaxFunc(all, func(x, y load) int { return int(x.perSecond() - y.perSecond()) })
		cpu := median(all, load.cpuEach)
		fmt.Fprintf(w, "| %s | %.0f | %.0f | %.0f | %s | %.2f | %.2f | %s | %s |\n", p.title, rate, least.perSecond(), most.perSecond(),
			unlessZero(nginx, "%.2f", rate/nginx),
			median(all, func(l load) float64 { return float64(l.P50) / 1e3 }), median(all, func(l load) float64 { return float64(l.P99) / 1e3 }),
			unlessZero(float64(p.pid()), "%.1f", cpu), unlessZero(nginxCPU*float64(p.pid()), "%.2f", cpu/nginxCPU))
	}
}

// unlessZero is the value, where there is one: there is nothing to compare with zero.
func unlessZero(base float64, format string, value float64) string {
	if base == 0 {
		return ""
	}
	return fmt.Sprintf(format, value)
}

// printHoldings prints what the proxies had resident.
func (b *bench) printHoldings(w io.Writer, found map[*peer][]holding) {
	fmt.Fprintf(w, "\n| resident, %d idle connections | just started MiB | 1,000 connections MiB | to nginx | 1,000 over TLS MiB | to nginx |\n| --- | ---: | ---: | ---: | ---: | ---: |\n", b.idle)
	plain := func(h holding) float64 { return b.perThousand(h.plain) }
	tls := func(h holding) float64 { return b.perThousand(h.tls) }
	var nginxPlain, nginxTLS float64
	for p, all := range found {
		if p.name == "nginx" {
			nginxPlain, nginxTLS = median(all, plain), median(all, tls)
		}
	}
	for _, p := range b.peers {
		all := found[p]
		if len(all) == 0 {
			continue
		}
		fresh := median(all, func(h holding) float64 { return float64(h.fresh) / (1 << 20) })
		fmt.Fprintf(w, "| %s | %.1f | %.1f | %s |", p.title, fresh, median(all, plain), unlessZero(nginxPlain, "%.2f", median(all, plain)/nginxPlain))
		fmt.Fprintf(w, " %.1f | %s |\n", median(all, tls), unlessZero(nginxTLS, "%.2f", median(all, tls)/nginxTLS))
	}
}

// perThousand is what of that falls to 1,000 of the idle connections, in MiB.
func (b *bench) perThousand(bytes int64) float64 {
	return float64(bytes) / float64(b.idle) * 1000 / (1 << 20)
}
