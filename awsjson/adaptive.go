package awsjson

import (
	"math"
	"sync"
	"time"
)

// rateLimit slows a client down once a service has asked for that: to 70 % of what it sent, and up again along a cubic
// curve. The zero value limits nothing; it is safe for concurrent use. Rates are per second, and times seconds.
type rateLimit struct {
	mu      sync.Mutex
	started bool
	limited bool

	measured, bucketStart, inBucket float64 // what was sent: smoothed, and in the half second that is not over yet

	peak, growth, lastThrottle float64 // of the curve: the rate at its bend, how long it takes to get there, and since when

	rate, burst, tokens, filled float64 // of the tokens, one for each request: filled is when that was so
}

const (
	minRate     = 0.5
	smoothing   = 0.8
	bucketWidth = 0.5
	slowDown    = 0.7
	curve       = 0.4
)

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / float64(time.Second) }

// take is called before every request. It returns how long to wait before another call, or 0 when the request may go.
func (l *rateLimit) take(at time.Time) time.Duration {
	now := seconds(at)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.start(now)
	if !l.limited {
		return 0
	}
	l.refill(now)
	if l.tokens >= 1 {
		l.tokens--
		return 0
	}
	return time.Duration(math.Ceil((1 - l.tokens) / l.rate * float64(time.Second)))
}

// heard is called after every request, whatever became of it.
func (l *rateLimit) heard(at time.Time, throttled bool) {
	now := seconds(at)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.start(now)
	l.measure(now)
	rate := curve*math.Pow(now-l.lastThrottle-l.growth, 3) + l.peak
	if throttled {
		l.peak = l.measured
		if l.limited {
			l.peak = min(l.measured, l.rate)
		}
		l.growth = math.Cbrt(l.peak * (1 - slowDown) / curve)
		l.lastThrottle = now
		l.limited = true
		rate = l.peak * slowDown
	}
	l.limitTo(min(rate, 2*l.measured), now)
}

func (l *rateLimit) start(now float64) {
	if l.started {
		return
	}
	l.started = true
	l.bucketStart, l.lastThrottle, l.filled = math.Floor(now), now, now
	l.rate, l.burst = 1, 1
}

// measure counts one request.
func (l *rateLimit) measure(now float64) {
	l.inBucket++
	bucket := math.Floor(now/bucketWidth) * bucketWidth
	if bucket > l.bucketStart {
		l.measured = l.inBucket/(bucket-l.bucketStart)*smoothing + l.measured*(1-smoothing)
		l.bucketStart, l.inBucket = bucket, 0
	}
}

func (l *rateLimit) limitTo(rate, now float64) {
	l.refill(now)
	l.rate, l.burst = max(rate, minRate), max(rate, 1)
	l.tokens = min(l.tokens, l.burst)
}

func (l *rateLimit) refill(now float64) {
	l.tokens = min(l.burst, l.tokens+(now-l.filled)*l.rate)
	l.filled = now
}
