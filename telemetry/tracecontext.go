package telemetry

import (
	"math/rand/v2"
	"strings"

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
)

// traceParent is a traceparent taken apart.
type traceParent struct {
	trace, span string // hexadecimal
	sampled     bool
}

// parseParent reports false for what is no traceparent, which the specification says to take for none.
func parseParent(s string) (traceParent, bool) {
	if len(s) < parentSize || s[2] != '-' || s[traceAt+32] != '-' || s[spanAt+16] != '-' {
		return traceParent{}, false
	}
	version, flags := s[:2], s[flagsAt:parentSize]
	later := len(s) > parentSize && version != "00" && s[parentSize] == '-'
	p := traceParent{trace: s[traceAt : traceAt+32], span: s[spanAt : spanAt+16]}
	if version == "ff" || len(s) > parentSize && !later || !isHex(version) || !isHex(p.trace) || !isHex(p.span) || !isHex(flags) {
		return traceParent{}, false
	}
	if strings.Trim(p.trace, "0") == "" || strings.Trim(p.span, "0") == "" {
		return traceParent{}, false
	}
	p.sampled = unhex(flags[1])&flagSampled != 0
	return p, true
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func unhex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

const hexDigits = "0123456789abcdef"

// appendID appends n random bytes, not all of them zero, as hexadecimal digits.
func appendID(b []byte, n int) []byte {
	for ; n > 0; n -= 8 {
		bits := rand.Uint64() | 1
		for range 16 {
			b = append(b, hexDigits[bits>>60])
			bits <<= 4
		}
	}
	return b
}

// traceID is the trace that a request belongs to, "" for none.
func traceID(r *proxy.Record) string {
	for _, header := range [...]string{r.TraceOut, r.TraceIn} {
		if p, ok := parseParent(header); ok {
			return p.trace
		}
	}
	return ""
}
