package main

import (
	"fmt"
	"strings"
	"time"

	"apron/api"
)

// deployment is one way to come by a new version, measured several times.
type deployment struct {
	name  string
	total series
	own   series // the platform's share of total

	phases map[string]*phase
	order  []string // of phases, as they were first met
}

// phase is where a part of the time went, as the platform tells it.
type phase struct {
	series
	application bool
}

// add takes one deployment apart. What the platform's steps do not account for is its own too: the call, the store, and the
// way to the first answer. Steps after the route are left out: the answer does not wait for them.
func (d *deployment) add(total time.Duration, op *api.Operation) {
	d.total.add(total)
	left, own, sums := total, total, map[string]time.Duration{}
	for _, s := range op.Steps {
		if s.Milliseconds == nil || s.Name == "retire" {
			continue
		}
		step := milliseconds(*s.Milliseconds)
		left -= step
		for _, p := range s.Phases {
			took := milliseconds(p.Milliseconds)
			step -= took
			sums[d.know(s.Name+": "+p.Name, p.Application)] += took
			if p.Application {
				own -= took
			}
		}
		sums[d.know(s.Name, false)] += max(0, step)
	}
	sums[d.know("the rest", false)] += left
	for name, took := range sums {
		d.phases[name].add(took)
	}
	d.own.add(own)
}

// know makes the phase known.
func (d *deployment) know(name string, application bool) string {
	if d.phases == nil {
		d.phases = map[string]*phase{}
	}
	if d.phases[name] == nil {
		d.phases[name] = &phase{application: application}
		d.order = append(d.order, name)
	}
	return name
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func printDeployments(kinds []*deployment, bare *series, base string) {
	fmt.Printf("\n| (j) the Go example from source, base %s | times | median ms | min | p90 | max |\n| --- | ---: | ---: | ---: | ---: | ---: |\n", base)
	for _, d := range kinds {
		d.total.name, d.own.name = d.name+": call to the first 200 of the new version", "    of it the platform's own"
		d.total.row()
		d.own.row()
	}
	bare.row()
	for _, d := range kinds {
		fmt.Printf("\n| %s, where the time went | times | median ms | min | p90 | max |\n| --- | ---: | ---: | ---: | ---: | ---: |\n", d.name)
		for _, name := range d.order {
			p := d.phases[name]
			p.name = strings.TrimSuffix(name, ":")
			if p.application {
				p.name += " (the application's)"
			}
			p.row()
		}
	}
}

func (s *series) row() {
	fmt.Printf("| %s | %d | %.0f | %.0f | %.0f | %.0f |\n", s.name, len(s.times), ms(s.at(0.5)), ms(s.at(0)), ms(s.at(0.9)), ms(s.at(1)))
}
