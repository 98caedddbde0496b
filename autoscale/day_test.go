package autoscale

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

var day = flag.Bool("day", false, "simulate a day rather than an hour before noon, and print the tables of docs/benchmarks.md")

// traffic draws the requests between two times of a day, the same at each call: next to none at night, two humps, and bursts
// that begin from one second to the next.
func traffic(from, to time.Duration) []request {
	rng := rand.New(rand.NewPCG(1, 2))
	burst := bursts(rng)
	var list []request
	for t := time.Duration(0); t < to; {
		second := int(t / time.Second)
		rate := perSecond(float64(second)/3600) * burst[second]
		gap := time.Duration(rng.ExpFloat64() / rate * float64(time.Second))
		if next := time.Duration(second+1) * time.Second; t+gap >= next {
			t = next // the next second has a rate of its own, and the distribution no memory
			continue
		}
		t += gap
		r := request{at: t - from, work: work(rng)}
		if t >= from {
			list = append(list, r)
		}
	}
	return list
}

// perSecond is the mean number of requests a second at an hour of the day.
func perSecond(hour float64) float64 {
	hump := func(at, width, height float64) float64 { return height * math.Exp(-math.Pow((hour-at)/width, 2)) }
	if hour < 5.5 {
		return 1.0 / 300
	}
	return 0.05 + hump(11, 2.5, 40) + hump(20, 2, 30)
}

// bursts is a factor for each second of the day.
func bursts(rng *rand.Rand) []float64 {
	factor := make([]float64, 24*3600)
	for i := range factor {
		factor[i] = 1
	}
	for range 48 {
		begin := 6*3600 + rng.IntN(17*3600)
		length, height := 5+rng.IntN(56), 2+6*rng.Float64()
		for i := begin; i < begin+length; i++ {
			factor[i] = height
		}
	}
	return factor
}

// work is log-normal with a median of 150 ms and a mean of about 210 ms, and never longer than ten seconds.
func work(rng *rand.Rand) time.Duration {
	return time.Duration(min(150*math.Exp(0.8*rng.NormFloat64()), 10_000) * float64(time.Millisecond))
}

// shifted sees so many requests more than there are, or less: with -1 the limit has to be exceeded to count, rather than met.
type shifted struct {
	ours
	by int
}

func (r shifted) decide(now time.Duration, w *world) int {
	seen := *w
	seen.inFlight, seen.peak = max(w.inFlight+r.by, 0), max(w.peak+r.by, 0)
	if w.peak == 0 {
		seen.inFlight, seen.peak = 0, 0
	}
	size := r.ours.decide(now, &seen)
	w.peak = w.inFlight
	return size
}

// contender is a rule with a name, made anew for each run.
type contender struct {
	name string
	make func(settings) rule
}

func apron(name string, scaleIn, idle time.Duration) contender {
	return contender{name, func(s settings) rule {
		return ours{New(Config{MinSize: s.minSize, MaxSize: s.maxSize, MaxConcurrency: s.concurrency, ScaleInAfter: scaleIn, IdleTimeout: idle})}
	}}
}

func knatives(name string, zero bool) contender {
	return contender{name, func(settings) rule { return &knative{zero: zero} }}
}

func shifts(name string, by int) contender {
	return contender{name, func(s settings) rule { return shifted{apron("", 0, 0).make(s).(ours), by} }}
}

// TestSimulation runs both rules over the same requests. Everything in it is drawn from one seed and counted, so what comes
// out is the same on any machine.
func TestSimulation(t *testing.T) {
	from, to := 10*time.Hour, 11*time.Hour
	if *day {
		from, to = 0, 24*time.Hour
	}
	trace := traffic(from, to)
	s := settings{minSize: 1, maxSize: 25, concurrency: 4, queueTime: 30 * time.Second}
	for _, s.start = range []time.Duration{300 * time.Millisecond, 3 * time.Second} {
		row := table(t, fmt.Sprintf("MaxConcurrency 4, instances start in %v", s.start))
		faster(t, row(s, apron("apron", 0, 0), trace), row(s, knatives("Knative's rule", false), trace))
		faster(t, row(s, apron("apron, idle timeout 90 s", 0, 90*time.Second), trace), row(s, knatives("Knative's rule, to zero", true), trace))
		if *day {
			variants(row, s, trace)
		}
	}
	s.concurrency = 20
	row := table(t, fmt.Sprintf("MaxConcurrency 20, start in %v", s.start))
	faster(t, row(s, apron("apron", 0, 0), trace), row(s, knatives("Knative's rule", false), trace))
	s.concurrency = 1
	var eighth []request
	for i := 0; i < len(trace); i += 8 {
		eighth = append(eighth, trace[i])
	}
	row = table(t, fmt.Sprintf("MaxConcurrency 1, an eighth of the requests, start in %v", s.start))
	faster(t, row(s, apron("apron", 0, 0), eighth), row(s, knatives("Knative's rule", false), eighth))
	if *day {
		row(s, shifts("apron, were the limit met by one request", 1), eighth)
	}
}

// variants are what apron's rule might have been.
func variants(row func(settings, contender, []request) result, s settings, trace []request) {
	for _, after := range []time.Duration{10, 30, 120, 300} {
		row(s, apron(fmt.Sprintf("apron, scale-in after %d s", after), after*time.Second, 0), trace)
	}
	row(s, shifts("apron, were the limit to be exceeded", -1), trace)
}

// faster holds what apron's rule is for: less waiting than with Knative's for the same requests, and no refusal more.
func faster(t *testing.T, a, k result) {
	t.Helper()
	if a.mean() >= k.mean() || a.quantile(0.99) > k.quantile(0.99) || a.refused > k.refused {
		t.Errorf("apron's rule: mean wait %.3f s, p99 %.3f, %d refused; Knative's: %.3f, %.3f, %d",
			a.mean(), a.quantile(0.99), a.refused, k.mean(), k.quantile(0.99), k.refused)
	}
}

// table begins a table; the func it returns runs a contender and adds its row.
func table(t *testing.T, title string) func(settings, contender, []request) result {
	row := func(format string, args ...any) {
		if *day {
			fmt.Printf(format, args...)
		}
	}
	row("\n| %s | instance-seconds | busy | waited | mean wait ms | p99 | p99.9 | max | 429 | out | in | started |\n", title)
	row("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	return func(s settings, c contender, trace []request) result {
		r := simulate(s, c.make(s), s.minSize, trace)
		if r.served+r.refused != len(trace) || r.cost*float64(s.concurrency) < r.busy {
			t.Errorf("%s: %d requests, %d served, %d refused, busy for %.0f s in %.0f s of instances", c.name, len(trace), r.served, r.refused, r.busy, r.cost)
		}
		row("| %s | %.0f | %.0f %% | %.2f %% | %.2f | %.0f | %.0f | %.0f | %d | %d | %d | %d |\n", c.name, r.cost, 100*r.busy/r.cost/float64(s.concurrency),
			r.waited(), 1000*r.mean(), 1000*r.quantile(0.99), 1000*r.quantile(0.999), 1000*r.quantile(1), r.refused, r.outs, r.ins, r.started)
		return r
	}
}
