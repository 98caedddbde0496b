package telemetry

import (
	"math"
	"strings"
	"testing"

	"apron/proxy"
)

func TestParent_IsReadAsTheSpecificationSays(t *testing.T) {
	const trace, spanID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for header, want := range map[string]bool{
		"00-" + trace + "-" + spanID + "-01":                   true,
		"00-" + trace + "-" + spanID + "-00":                   true,
		"00-" + trace + "-" + spanID + "-ff":                   true,
		"cc-" + trace + "-" + spanID + "-01":                   true, // of a later version
		"cc-" + trace + "-" + spanID + "-01-what-comes":        true,
		"cc-" + trace + "-" + spanID + "-01.what":              false,
		"00-" + trace + "-" + spanID + "-01-what":              false,
		"ff-" + trace + "-" + spanID + "-01":                   false,
		"00-" + strings.ToUpper(trace) + "-" + spanID + "-01":  false,
		"00-" + strings.Repeat("0", 32) + "-" + spanID + "-01": false,
		"00-" + trace + "-" + strings.Repeat("0", 16) + "-01":  false,
		"00-" + trace + "-" + spanID + "-0g":                   false,
		"00_" + trace + "-" + spanID + "-01":                   false,
		"00-" + trace + "-" + spanID + "_01":                   false,
		"00-" + trace + "_" + spanID + "-01":                   false,
		"00-" + trace + "-" + spanID:                           false,
		"":                                                     false,
	} {
		p, ok := parseParent(header)
		if ok != want {
			t.Errorf("%q is a traceparent: %v, want %v", header, ok, want)
		}
		if back := p.String(); ok && back[3:53] != header[3:53] {
			t.Errorf("%q is written as %q", header, back)
		}
	}
}

func tracing(s Sampler) *Telemetry {
	return New(Config{Spans: NewExporter(ExporterConfig{Sampler: s})})
}

func TestTraceparent_GoesOnWithASpanOfTheProxys(t *testing.T) {
	out := tracing(Sampler{Ratio: 1}).Traceparent(parentIn)
	in, _ := parseParent(parentIn)
	p, ok := parseParent(out)
	if !ok || p.trace != in.trace || p.span == in.span || !p.sampled() {
		t.Errorf("%s goes on as %s", parentIn, out)
	}
}

func TestTraceparent_PassesAsItIsWhereNothingIsExported(t *testing.T) {
	t1 := New(Config{})
	for _, header := range []string{"", parentIn, "malformed"} {
		if got := t1.Traceparent(header); got != header {
			t.Errorf("%q goes on as %q", header, got)
		}
	}
	if got := traceID(&proxy.Record{TraceIn: parentIn, TraceOut: parentIn}); got != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("the trace is %q", got)
	}
}

func TestTraceparent_OfNoneOrAMalformedOneBeginsATrace(t *testing.T) {
	all := tracing(Sampler{Ratio: 1})
	seen := map[[16]byte]bool{}
	for _, header := range []string{"", "malformed", parentIn + "x", ""} {
		p, ok := parseParent(all.Traceparent(header))
		if !ok || !p.sampled() || seen[p.trace] {
			t.Errorf("%q goes on as %q", header, p)
		}
		seen[p.trace] = true
	}
}

func TestSampler_GoesByTheParentOrByTheRatio(t *testing.T) {
	unsampled := parentIn[:flagsAt] + "00"
	for _, c := range []struct {
		sampler Sampler
		in      string
		want    float64 // share
	}{
		{Sampler{Ratio: 0}, parentIn, 1},
		{Sampler{Ratio: 1}, unsampled, 0},
		{Sampler{Ratio: 1, IgnoreParent: true}, unsampled, 1},
		{Sampler{Ratio: 0, IgnoreParent: true}, parentIn, 0},
		{Sampler{Ratio: 0}, "", 0},
		{Sampler{Ratio: 1}, "", 1},
		{Sampler{Ratio: .25}, "", .25},
	} {
		tr, sampled := tracing(c.sampler), 0
		const n = 4000
		for range n {
			if p, _ := parseParent(tr.Traceparent(c.in)); p.sampled() {
				sampled++
			}
		}
		if share := float64(sampled) / n; math.Abs(share-c.want) > .05 { // seven standard deviations
			t.Errorf("%+v samples %v of %q, want %v", c.sampler, share, c.in, c.want)
		}
	}
}

func FuzzParent(f *testing.F) {
	f.Add(parentIn)
	f.Add("cc" + parentIn[2:] + "-more")
	f.Fuzz(func(t *testing.T, header string) {
		if p, ok := parseParent(header); ok {
			if again, ok := parseParent(p.String()); !ok || again.trace != p.trace || again.span != p.span || again.sampled() != p.sampled() {
				t.Errorf("%q is written as %q", header, p)
			}
		}
	})
}
