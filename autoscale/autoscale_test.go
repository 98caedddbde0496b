package autoscale

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzDecide draws a configuration and a history from bytes and holds each decision to what is promised of any.
func FuzzDecide(f *testing.F) {
	f.Add([]byte{1, 25, 100, 0, 60}, []byte("\x00\x10\x00\x01\x70\x20\x02\xff\xf0\x30\x00\x00"))
	f.Add([]byte{2, 5, 1, 20, 10}, []byte("\x01\x01\x01\x09\x00\x00\x09\x00\x00\x09\x00\x00\x01\x07\x03"))
	f.Add([]byte{0, 0, 0, 0, 0}, []byte("\xff\xff\xff\x00\x00\x00"))
	f.Add([]byte{9, 3, 7, 1, 200}, []byte("\x05\x40\x00\x05\x00\x00\x05\x00\x00\x05\x00\x00\x05\x40\x00"))
	f.Fuzz(func(t *testing.T, settings, history []byte) {
		if len(settings) < 5 {
			return
		}
		second := func(i int) time.Duration { return time.Duration(settings[i]) * time.Second }
		h := &held{T: t, scaler: New(Config{MinSize: int(settings[0]) % 30, MaxSize: int(settings[1]) % 40,
			MaxConcurrency: int(settings[2]), IdleTimeout: second(3), ScaleInAfter: second(4)}), now: time.Unix(1e9, 0)}
		for ; len(history) >= 3; history = history[3:] {
			h.step(time.Duration(history[0])*100*time.Millisecond, int(history[1])*8, int(history[2]))
		}
		for _, load := range []int{0, 1, int(settings[2]), 2000} {
			h.steady(load)
		}
	})
}

// held is a Scaler whose decisions are looked at as they come.
type held struct {
	*testing.T
	scaler *Scaler
	now    time.Time
	use    time.Time
	size   int
	begun  bool
}

func (h *held) step(after time.Duration, demand, waiting int) {
	h.Helper()
	h.now = h.now.Add(after)
	if demand > 0 {
		h.use = h.now
	}
	o := Observation{At: h.now, InFlight: demand, Waiting: min(waiting, demand), Ready: h.size, LastUse: h.use}
	more := h.copy()
	d := h.scaler.Decide(o)
	h.bounds(o, d)
	if h.begun && (d.Size != h.size) != (d.Reason != "") {
		h.Errorf("from %d to %d with the reason %q", h.size, d.Size, d.Reason)
	}
	o.InFlight += 1 + waiting
	if high := more.Decide(o); high.Size < d.Size {
		h.Errorf("%d requests: %d instances, and %d: %d", demand, d.Size, o.InFlight, high.Size)
	}
	h.size, h.begun = d.Size, true
}

func (h *held) copy() *Scaler {
	s := *h.scaler
	s.peaks.list = slices.Clone(s.peaks.list)
	return &s
}

func (h *held) bounds(o Observation, d Decision) {
	h.Helper()
	c := h.scaler.cfg
	switch {
	case d.Size > c.MaxSize:
		h.Errorf("%d instances, MaxSize is %d", d.Size, c.MaxSize)
	case d.Size < c.MinSize && (o.demand() > 0 || d.Size > 0 || c.IdleTimeout == 0):
		h.Errorf("%d instances for %d requests, MinSize is %d", d.Size, o.demand(), c.MinSize)
	case d.Size < c.MaxSize && d.Size*c.MaxConcurrency < o.demand():
		h.Errorf("%d instances do not take the %d requests that there are", d.Size, o.demand())
	}
}

// steady looks for what goes up and down under a load that does neither.
func (h *held) steady(load int) {
	h.Helper()
	h.step(time.Second, load, 0)
	settle := max(h.scaler.cfg.ScaleInAfter, h.scaler.cfg.IdleTimeout) + 2*time.Second
	for from := h.now; h.now.Sub(from) < 2*settle; { // down with what the window forgets, and then no more
		before := h.size
		h.step(time.Second, load, 0)
		if h.size > before || h.size != before && h.now.Sub(from) > settle {
			h.Errorf("from %d to %d after %v of %d requests all the time", before, h.size, h.now.Sub(from), load)
		}
	}
}

// What a look costs at the limit, where each request that waits asks for one: a load that sways, with a full window behind it.
func BenchmarkDecide(b *testing.B) {
	s := New(Config{MaxConcurrency: 10})
	o := Observation{At: time.Unix(1e9, 0), Ready: 25}
	for b.Loop() {
		o.At = o.At.Add(time.Millisecond)
		o.InFlight = 200 + int(o.At.UnixMilli()*7919%97)
		s.Decide(o)
	}
}

// TestScaler_ReadsNoClock keeps what decides apart from what looks when: Loop alone may know the time.
func TestScaler_ReadsNoClock(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "loop.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			from, _ := any(nil).(*ast.Ident)
			if ok {
				from, _ = sel.X.(*ast.Ident)
			}
			if from != nil && from.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "After", "NewTimer", "NewTicker", "Sleep"}, sel.Sel.Name) {
				t.Errorf("%s calls time.%s", name, sel.Sel.Name)
			}
			return true
		})
	}
}
