package autoscale

import (
	"math"
	"time"
)

// knative is the rule of Knative's pod autoscaler with its defaults, as its documentation describes it: the average
// concurrency over a stable window, divided by the target, says the size; when that of the panic window asks for twice
// what is ready, it alone does, and nothing goes until a stable window has passed without. Requests that wait at the
// activator are part of the concurrency, and wake a service of none at once.
type knative struct {
	zero bool // the last instance goes as well

	perSecond []float64 // average concurrency of each of the last seconds, the youngest last
	counted   time.Duration
	panicked  time.Duration // when the threshold was passed last; only in panic
	inPanic   bool
	most      int // instances wanted in this panic
	zeroSince time.Duration
	wantsZero bool
}

const (
	stableWindow   = 60 // seconds
	panicWindow    = 6
	panicThreshold = 2.0
	utilisation    = 0.7
	maxUpRate      = 1000.0
	maxDownRate    = 2.0
	zeroGrace      = 30 * time.Second
	decideEvery    = 2 * time.Second
)

func (k *knative) decide(now time.Duration, w *world) int {
	if now%time.Second != 0 || now == k.counted { // a request has begun to wait
		if w.size == 0 {
			k.wantsZero = false
			return 1
		}
		return w.size
	}
	k.count(now, w)
	if now%decideEvery != 0 {
		return w.size
	}
	return k.bounded(now, w, k.wanted(now, w))
}

// count notes the second that has passed.
func (k *knative) count(now time.Duration, w *world) {
	k.counted = now
	k.perSecond = append(k.perSecond, w.area)
	w.area = 0
	if len(k.perSecond) > stableWindow {
		k.perSecond = k.perSecond[1:]
	}
}

func (k *knative) wanted(now time.Duration, w *world) int {
	ready := float64(max(w.ready(), 1))
	target := utilisation * float64(w.concurrency)
	size := func(window int) float64 { return math.Ceil(average(k.perSecond, window) / target) }
	rated := func(n float64) int {
		return int(min(max(n, math.Floor(ready/maxDownRate)), math.Ceil(ready*maxUpRate)))
	}
	stable, burst := size(stableWindow), size(panicWindow)
	switch over := burst/ready >= panicThreshold; {
	case over && !k.inPanic:
		k.inPanic, k.panicked, k.most = true, now, 0
	case over:
		k.panicked = now
	case k.inPanic && now-k.panicked > stableWindow*time.Second:
		k.inPanic = false
	}
	if !k.inPanic {
		return rated(stable)
	}
	k.most = max(k.most, rated(burst), rated(stable))
	return k.most
}

// bounded keeps the size in its bounds, and the last instance until no request has come for the stable window and the grace.
func (k *knative) bounded(now time.Duration, w *world, size int) int {
	least := w.minSize
	if k.zero {
		least = 1
		if size == 0 && average(k.perSecond, stableWindow) == 0 && w.inFlight == 0 {
			if !k.wantsZero {
				k.wantsZero, k.zeroSince = true, now
			}
			if w.size == 0 || now-k.zeroSince >= zeroGrace {
				return 0
			}
		} else {
			k.wantsZero = false
		}
	}
	return min(max(size, least), w.maxSize)
}

// average is over the last seconds of the window, or as many as there are.
func average(perSecond []float64, window int) float64 {
	last := perSecond[max(0, len(perSecond)-window):]
	sum := 0.0
	for _, v := range last {
		sum += v
	}
	return sum / float64(max(len(last), 1))
}
