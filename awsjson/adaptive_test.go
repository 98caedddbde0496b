package awsjson

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"apron/cli/clitest"
)

// askLimiter runs the AWS CLI's rate limiter through events at given times. For each it prints the rate, the tokens and
// how long a request would wait.
const askLimiter = `
import json, sys
import awscli
from botocore.retries import adaptive, bucket, throttling
class Clock:
    def current_time(self): return self.now
class Detector:
    def is_throttling_error(self, throttled): return throttled
answers = []
for events in json.load(sys.stdin):
    clock, answer = Clock(), []
    clock.now = events[0]['At']
    tokens = bucket.TokenBucket(max_rate=1, clock=clock)
    limiter = adaptive.ClientRateLimiter(throttling.CubicCalculator(starting_max_rate=0, start_time=clock.now),
        adaptive.RateClocker(clock), tokens, Detector(), clock)
    for event in events:
        clock.now, wait = event['At'], 0
        if event['Kind'] == 'send':
            if limiter._enabled:
                tokens._refill()
                wait = max(0, tokens._sleep_amount(1))
                if wait == 0:
                    tokens.acquire()
        else:
            limiter.on_receiving_response(throttled=event['Kind'] == 'throttled')
        answer.append([tokens.max_rate, tokens.available_capacity, wait])
    answers.append(answer)
json.dump(answers, sys.stdout)
`

type limitEvent struct {
	At   float64
	Kind string // send, answered or throttled
}

// limitEvents is a client that gets an answer for each request, more and more of them throttled.
func limitEvents(random *rand.Rand) []limitEvent {
	at := math.Trunc(1.6e9*1024+random.Float64()*1024) / 1024 // fractions that float64 has
	events := []limitEvent{{at, "send"}}
	for i := range 120 {
		at += math.Trunc(random.ExpFloat64()*200) / 1024
		switch kind := random.IntN(200); {
		case i%2 == 0 && kind < i:
			events = append(events, limitEvent{at, "throttled"})
		case i%2 == 0:
			events = append(events, limitEvent{at, "answered"})
		default:
			events = append(events, limitEvent{at, "send"})
		}
	}
	return events
}

func TestRateLimit_IsTheAWSCLIs(t *testing.T) {
	var runs [][]limitEvent
	for seed := range uint64(20) {
		runs = append(runs, limitEvents(rand.New(rand.NewPCG(seed, 1))))
	}
	var want [][][3]float64
	clitest.Python(t, askLimiter, runs, &want)
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-5*max(1, math.Abs(b)) }
	limited := 0
	for i, events := range runs {
		var l rateLimit
		for j, e := range events {
			at, wait := time.Unix(0, int64(e.At*float64(time.Second))), time.Duration(0)
			if e.Kind == "send" {
				wait = l.take(at)
			} else {
				l.heard(at, e.Kind == "throttled")
			}
			if w := want[i][j]; !near(l.rate, w[0]) || !near(l.tokens, w[1]) || !near(wait.Seconds(), w[2]) {
				t.Fatalf("run %d, %+v: rate %g, tokens %g, wait %s; want %g", i, events[:j+1], l.rate, l.tokens, wait, w)
			}
			if wait > 0 {
				limited++
			}
		}
	}
	if limited < 10 {
		t.Errorf("only %d requests had to wait", limited)
	}
}
