package telemetry

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// scrape gathers what an account may see, or for "" everything.
func (t *Telemetry) scrape(ctx context.Context, from Sources, account string) (*exposition, error) {
	e := &exposition{}
	states, err := from.States(ctx, account)
	if err != nil {
		return nil, err
	}
	for _, s := range states {
		c, lost := t.countsOf(s.ID)
		if s.Status != "RUNNING" && c.requests == 0 && len(s.Instances) == 0 {
			e.add(famServices, s.Service, 1, s.Status)
			continue // there may be thousands of them, with nothing to say
		}
		e.state(s)
		e.counts(s.Service, &c)
		e.add(famLost, s.Service, float64(lost))
		e.usage(s, t.meter.rate)
	}
	t.meter.forget()
	e.endings(t.endings(), account)
	if account != "" {
		return e, nil
	}
	m, err := from.Machine(ctx)
	if err != nil {
		return nil, err
	}
	e.machine(m)
	if t.cfg.Spans != nil {
		e.spans(t.cfg.Spans.outcomes())
	}
	e.process()
	return e, nil
}

// state adds how the service stands.
func (e *exposition) state(s State) {
	e.add(famServices, s.Service, 1, s.Status)
	e.add(famInFlight, s.Service, float64(s.InFlight))
	e.add(famQueue, s.Service, float64(s.Waiting))
	e.add(famActive, s.Service, float64(s.Active))
	e.add(famWanted, s.Service, float64(s.Wanted))
	states := map[string]int{}
	for _, i := range s.Instances {
		states[i.State]++
	}
	for _, name := range slices.Sorted(maps.Keys(states)) {
		e.add(famInstances, s.Service, float64(states[name]), name)
	}
}

// counts adds what the records of the service's requests have come to.
func (e *exposition) counts(svc Service, c *counts) {
	e.add(famRequests, svc, float64(c.requests))
	for class := 1; class < len(c.responses); class++ {
		e.add(famResponses, svc, float64(c.responses[class]), strconv.Itoa(class)+"xx", cloudwatchOf(class))
	}
	e.add(famAborted, svc, float64(c.clientGone))
	for _, reason := range slices.Sorted(maps.Keys(c.failures)) {
		e.add(famFailed, svc, float64(c.failures[reason]), reason)
	}
	e.add(famRetried, svc, float64(c.retried))
	e.add(famUpgraded, svc, float64(c.upgraded))
	e.add(famReceived, svc, float64(c.received))
	e.add(famSent, svc, float64(c.sent))
	e.add(famScaled, svc, float64(c.scaledOut), "out")
	e.add(famScaled, svc, float64(c.scaledIn), "in")
	e.histogram(famLatency, svc, &c.latency)
	e.histogram(famWaited, svc, &c.waited)
}

// cloudwatchOf is the name of CloudWatch's metric of a class of answers, where it has one.
func cloudwatchOf(class int) string {
	if class == 2 || class == 4 || class == 5 {
		return strconv.Itoa(class) + "xxStatusResponses"
	}
	return ""
}

// usage adds what the service's instances take, each and all together. rate tells how many CPUs one uses.
func (e *exposition) usage(s State, rate func(Instance) float64) {
	var cpu, vcpus, memory, limit float64
	for _, i := range s.Instances {
		if i.Began.IsZero() {
			continue // it is being made
		}
		used := rate(i)
		cpu, vcpus = cpu+used, vcpus+i.CPULimit
		memory, limit = memory+float64(i.Memory), limit+float64(i.MemoryLimit)
		e.add(famCPUSeconds, s.Service, i.CPU.Seconds(), i.ID)
		e.add(famBytes, s.Service, float64(i.Memory), i.ID)
		e.add(famByteLimit, s.Service, float64(i.MemoryLimit), i.ID)
		e.percent(famOneCPU, s.Service, used, i.CPULimit, i.ID)
		e.percent(famOneMemory, s.Service, float64(i.Memory), float64(i.MemoryLimit), i.ID)
	}
	e.percent(famCPU, s.Service, cpu, vcpus)
	e.percent(famMemory, s.Service, memory, limit)
}

// percent adds nothing where there is nothing to use.
func (e *exposition) percent(f *family, svc Service, used, of float64, labels ...string) {
	if of > 0 {
		e.add(f, svc, 100*used/of, labels...)
	}
}

// endings adds what operations and builds of the account, or of all, have come to.
func (e *exposition) endings(ended map[ending]sum, account string) {
	order := func(a, b ending) int {
		return cmp.Or(strings.Compare(a.account, b.account), strings.Compare(a.kind, b.kind), strings.Compare(a.outcome, b.outcome))
	}
	for _, what := range slices.SortedFunc(maps.Keys(ended), order) {
		n, took := float64(ended[what].n), ended[what].took.Seconds()
		switch {
		case account != "" && what.account != account:
		case what.kind == kindBuild:
			e.add(famBuilds, Service{}, n, what.account, what.outcome)
			e.add(famBuildSecs, Service{}, took, what.account, what.outcome)
		default:
			e.add(famOperations, Service{}, n, what.account, what.kind, what.outcome)
			e.add(famOpSeconds, Service{}, took, what.account, what.kind, what.outcome)
		}
	}
}

// machine adds what is the operator's.
func (e *exposition) machine(m Machine) {
	e.add(famBuild, Service{}, 1, m.Version)
	e.add(famDisk, Service{}, float64(m.DiskTotal), "total")
	e.add(famDisk, Service{}, float64(m.DiskUsed), "used")
	e.add(famDisk, Service{}, float64(m.DiskAvail), "available")
}

func (e *exposition) spans(outcomes map[string]uint64) {
	for _, outcome := range slices.Sorted(maps.Keys(outcomes)) {
		e.add(famSpans, Service{}, float64(outcomes[outcome]), outcome)
	}
}
