package telemetry

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	"apron/proxy"
)

// A traceparent of version 00 is "00-<trace id, 32 digits>-<span id, 16 digits>-<flags, 2 digits>", in lower-case
// hexadecimal (W3C Trace Context). What later versions add comes behind a further dash.
const (
	parentSize = 55
	traceAt    = 3
	spanAt     = 36
	flagsAt    = 53

	flagSampled = 1
	flagRandom  = 2 // the trace id is random; passed on unchanged
)

// traceParent is a traceparent taken apart.
type traceParent struct {
	trace [16]byte
	span  [8]byte
	flags byte
}

// parseParent reports false for what is no traceparent, which the specification says to take for none.
func parseParent(s string) (p traceParent, ok bool) {
	if len(s) < parentSize || s[2] != '-' || s[spanAt-1] != '-' || s[flagsAt-1] != '-' {
		return p, false
	}
	if later := s[:2] != "00" && len(s) > parentSize && s[parentSize] == '-'; len(s) > parentSize && !later {
		return p, false
	}
	var version, flags [1]byte
	ok = unhex(version[:], s[:2]) && unhex(p.trace[:], s[traceAt:spanAt-1]) && unhex(p.span[:], s[spanAt:flagsAt-1]) &&
		unhex(flags[:], s[flagsAt:parentSize])
	p.flags = flags[0]
	return p, ok && version[0] != 0xff && p.trace != [16]byte{} && p.span != [8]byte{}
}

// unhex decodes lower-case digits, twice as many as to has bytes.
func unhex(to []byte, digits string) bool {
	for i := range to {
		high, low := digitValue(digits[2*i]), digitValue(digits[2*i+1])
		if high > 15 || low > 15 {
			return false
		}
		to[i] = high<<4 | low
	}
	return true
}

func digitValue(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// String is the header, of version 00 whatever version it came from.
func (p traceParent) String() string {
	b := make([]byte, 0, parentSize)
	b = append(hex.AppendEncode(append(b, "00-"...), p.trace[:]), '-')
	b = append(hex.AppendEncode(b, p.span[:]), '-')
	return string(hex.AppendEncode(b, []byte{p.flags & (flagSampled | flagRandom)}))
}

func (p traceParent) sampled() bool { return p.flags&flagSampled != 0 }

// newTrace begins a trace. An id of zeros is none, and as likely as it sounds.
func newTrace() (p traceParent) {
	binary.BigEndian.PutUint64(p.trace[:8], rand.Uint64()|1<<63)
	binary.BigEndian.PutUint64(p.trace[8:], rand.Uint64())
	p.flags = flagRandom
	return p
}

// newSpan gives the trace another span.
func (p *traceParent) newSpan() { binary.BigEndian.PutUint64(p.span[:], rand.Uint64()|1<<63) }

// traceID is the trace that a request belongs to, in digits; "" for none. It does not allocate.
func traceID(r *proxy.Record) string {
	for _, header := range [...]string{r.TraceOut, r.TraceIn} {
		if _, ok := parseParent(header); ok {
			return header[traceAt : spanAt-1]
		}
	}
	return ""
}

// Traceparent makes the traceparent that the instance gets of the one that came, if one did. Where spans are exported the proxy
// has a span of its own, the parent of the instance's. Where they are not, what came goes on. It is
// proxy.Config.Traceparent.
func (t *Telemetry) Traceparent(incoming string) string {
	if t.cfg.Spans == nil {
		return incoming
	}
	p, ok := parseParent(incoming)
	if !ok {
		p = newTrace()
	}
	p.flags = t.cfg.Spans.cfg.Sampler.decide(p, ok)
	p.newSpan()
	return p.String()
}

// Sampler decides which traces spans are exported of.
type Sampler struct {
	IgnoreParent bool    // decide anew where the client has decided
	Ratio        float64 // of the others, from 0 to 1
}

// decide returns the flags of the trace. It goes by the trace's id, so that others that sample so decide the same.
func (s Sampler) decide(p traceParent, parent bool) byte {
	if parent && !s.IgnoreParent {
		return p.flags
	}
	const half = 1 << 63
	if float64(binary.BigEndian.Uint64(p.trace[8:])>>1) < s.Ratio*half {
		return p.flags | flagSampled
	}
	return p.flags &^ flagSampled
}
