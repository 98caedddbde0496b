package telemetry

import (
	"strings"
	"time"

	"apron/proxy"
)

// latencyBounds are the upper bounds of the histograms' buckets, in seconds: from what a proxy answers by itself to App
// Runner's limit of a request.
var latencyBounds = [...]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}

// histogram counts durations.
type histogram struct {
	buckets [len(latencyBounds) + 1]uint64 // not cumulative; the last one is what is longer
	count   uint64
	sum     time.Duration
}

func (h *histogram) add(d time.Duration) {
	seconds := d.Seconds()
	i := 0
	for i < len(latencyBounds) && seconds > latencyBounds[i] {
		i++
	}
	h.buckets[i]++
	h.count++
	h.sum += d
}

// counts are a service's figures since the server began.
type counts struct {
	requests, retried, upgraded, clientGone uint64
	responses                               [6]uint64 // by class of the status: [2] are those from 200 to 299
	received, sent                          uint64    // bytes
	latency, waited                         histogram
	failures                                map[string]uint64 // by reason
	scaledOut, scaledIn                     uint64            // decisions
}

// maxReasons bounds the reasons that are told apart. proxy has about ten.
const maxReasons = 32

func (c *counts) add(r *proxy.Record) {
	c.requests++
	switch {
	case r.Status == statusClientGone:
		c.clientGone++
	case r.Status >= 100 && r.Status < 600:
		c.responses[r.Status/100]++
	}
	c.received += uint64(max(r.Received, 0))
	c.sent += uint64(max(r.Sent, 0))
	if r.Retried {
		c.retried++
	}
	if r.Upgraded {
		c.upgraded++ // how long it lives is no latency
	} else {
		c.latency.add(r.Took)
	}
	if r.Waited > 0 {
		c.waited.add(r.Waited)
	}
	if r.Reason != "" {
		c.fail(r.Reason)
	}
}

// statusClientGone is proxy's status of a request whose client did not wait for the answer.
const statusClientGone = 499

func (c *counts) fail(reason string) {
	if _, known := c.failures[reason]; !known {
		if c.failures == nil {
			c.failures = map[string]uint64{}
		}
		if len(c.failures) >= maxReasons {
			reason = "other"
		}
		reason = strings.Clone(reason)
	}
	c.failures[reason]++
}
