package autoscale

import (
	"container/heap"
	"math"
	"slices"
	"time"
)

// rule is what decides in a simulation. now is the time since the simulation began.
type rule interface {
	decide(now time.Duration, w *world) int // each second, and when a request begins to wait
}

// settings are a service's, the same for each rule.
type settings struct {
	minSize, maxSize, concurrency int
	start                         time.Duration // from the decision until an instance takes requests
	queueTime                     time.Duration // as the proxy's: then, with MaxSize instances, 429
}

func (s settings) queue() int { return max(s.concurrency*s.maxSize, 100) }

// request is one of a trace.
type request struct {
	at   time.Duration
	work time.Duration // how long an instance is busy with it, however many it has beside it
}

// world is a service in a simulation: a queue, instances, and requests that come, wait, run and end. Whatever rule decides,
// requests meet the proxy's: first come first served, the least busy instance, no more than concurrency at one.
type world struct {
	settings
	rule rule

	now       time.Duration
	events    events
	instances []*simInstance // that were started and not stopped
	waiting   []request
	inFlight  int
	size      int

	// since the rule looked last, for it to look at
	peak    int
	area    float64 // integral of inFlight over seconds
	lastUse time.Duration

	result
}

type simInstance struct {
	busy           int
	ready, stopped bool
}

// result is what a simulation is asked about.
type result struct {
	requests, refused, served int
	waits                     []float32 // seconds, of those served
	busy                      float64   // seconds that requests were being answered
	cost                      float64   // seconds of instances, from the start to the end of the last request
	alive                     int       // instances that cost
	outs, ins                 int       // changes of size
	started                   int
}

// event is something that happens at a time: to the instance, if there is one.
type event struct {
	at time.Duration
	of *simInstance
	do func(*world, *simInstance)
}

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at < e[j].at }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// simulate runs the trace through the rule, from size instances that are ready, until all requests have ended.
func simulate(s settings, r rule, size int, trace []request) result {
	w := &world{settings: s, rule: r}
	w.scale(size)
	for _, in := range w.instances {
		in.ready = true
	}
	w.events = nil
	w.outs, w.started = 0, 0
	heap.Push(&w.events, event{at: 0, do: tick})
	for len(trace) > 0 || w.inFlight > 0 {
		if len(trace) > 0 && trace[0].at <= w.events[0].at {
			w.advance(trace[0].at)
			w.arrive(trace[0])
			trace = trace[1:]
			continue
		}
		e := heap.Pop(&w.events).(event)
		w.advance(e.at)
		e.do(w, e.of)
	}
	return w.result
}

func (w *world) advance(to time.Duration) {
	passed := (to - w.now).Seconds()
	w.area += passed * float64(w.inFlight)
	w.cost += passed * float64(w.alive)
	w.now = to
}

func (w *world) after(d time.Duration, of *simInstance, do func(*world, *simInstance)) {
	heap.Push(&w.events, event{w.now + d, of, do})
}

func tick(w *world, _ *simInstance) {
	w.expire()
	w.look()
	w.after(time.Second, nil, tick)
}

// look asks the rule and does what it says.
func (w *world) look() { w.scale(w.rule.decide(w.now, w)) }

// expire refuses those that have waited for too long, once there are as many instances as there may be.
func (w *world) expire() {
	for len(w.waiting) > 0 && w.size == w.maxSize && w.now-w.waiting[0].at > w.queueTime {
		w.waiting = w.waiting[1:]
		w.inFlight--
		w.refused++
	}
}

func (w *world) arrive(r request) {
	w.requests++
	if w.size == w.maxSize && len(w.waiting) >= w.queue() {
		w.refused++
		return
	}
	w.inFlight++
	w.peak = max(w.peak, w.inFlight)
	if in := w.leastBusy(); in != nil {
		w.begin(r, in)
		return
	}
	w.waiting = append(w.waiting, r)
	w.look()
}

func (w *world) leastBusy() (best *simInstance) {
	for _, in := range w.instances {
		if in.ready && in.busy < w.concurrency && (best == nil || in.busy < best.busy) {
			best = in
		}
	}
	return best
}

func (w *world) begin(r request, in *simInstance) {
	in.busy++
	w.waits = append(w.waits, float32((w.now - r.at).Seconds()))
	w.busy += r.work.Seconds()
	w.after(r.work, in, end)
}

func end(w *world, in *simInstance) {
	in.busy--
	w.inFlight--
	w.served++
	w.lastUse = w.now
	if in.stopped && in.busy == 0 {
		w.alive--
	}
	w.serve()
}

// serve gives those that wait what room there is.
func (w *world) serve() {
	for len(w.waiting) > 0 {
		in := w.leastBusy()
		if in == nil {
			return
		}
		r := w.waiting[0]
		w.waiting = w.waiting[1:]
		w.begin(r, in)
	}
}

func (w *world) scale(to int) {
	switch {
	case to > w.size:
		w.outs++
	case to < w.size:
		w.ins++
	}
	w.size = to
	for len(w.instances) < to {
		in := &simInstance{}
		w.instances = append(w.instances, in)
		w.alive++
		w.started++
		w.after(w.start, in, func(w *world, in *simInstance) {
			in.ready = !in.stopped
			w.serve()
		})
	}
	for len(w.instances) > to {
		w.stop()
	}
}

// stop ends the instance that is missed least: one that is still starting, or the least busy, which ends its requests.
func (w *world) stop() {
	load := func(in *simInstance) int {
		if !in.ready {
			return -1
		}
		return in.busy
	}
	least := 0
	for i, in := range w.instances {
		if load(in) < load(w.instances[least]) {
			least = i
		}
	}
	in := w.instances[least]
	w.instances = slices.Delete(w.instances, least, least+1)
	in.ready, in.stopped = false, true
	if in.busy == 0 {
		w.alive--
	}
}

func (w *world) ready() (n int) {
	for _, in := range w.instances {
		if in.ready {
			n++
		}
	}
	return n
}

// ours is this package's Scaler as a rule.
type ours struct{ *Scaler }

var midnight = time.Unix(1e9, 0)

func (o ours) decide(now time.Duration, w *world) int {
	ready := w.ready()
	seen := Observation{At: midnight.Add(now), InFlight: w.inFlight, Waiting: len(w.waiting), Peak: max(w.peak, w.inFlight),
		Ready: ready, Starting: len(w.instances) - ready, LastUse: midnight.Add(w.lastUse)}
	if w.inFlight > 0 {
		seen.LastUse = seen.At
	}
	w.peak = w.inFlight
	return o.Decide(seen).Size
}

// mean, and the quantile q, of seconds waited.
func (r result) mean() float64 {
	sum := 0.0
	for _, s := range r.waits {
		sum += float64(s)
	}
	return sum / float64(max(len(r.waits), 1))
}

func (r result) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(r.waits))
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[int(math.Ceil(q*float64(len(sorted))))-1])
}

// waited is the share of requests, in percent, that did not find a place at once.
func (r result) waited() float64 {
	n := 0
	for _, s := range r.waits {
		if s > 0 {
			n++
		}
	}
	return 100 * float64(n) / float64(max(len(r.waits), 1))
}
