//go:build linux && cgo

package container

import (
	"testing"
	"time"
)

// TestSetCPU_IsEnforced lets an instance spin: what it gets of the CPU is what it may use.
func TestSetCPU_IsEnforced(t *testing.T) {
	h := newHost(t)
	id := h.start(h.spec())
	h.setCPU(id, 64)
	const sixteenth = 125 * time.Millisecond // of two seconds
	if got := h.spin(id, 2*time.Second); got > 3*sixteenth {
		t.Errorf("a sixteenth of a CPU gave %v in 2s", got)
	}
	// A busy machine gives less than it might; more than a sixteenth is the proof.
	for range 10 {
		time.AfterFunc(200*time.Millisecond, func() { h.setCPU(id, 1024) }) // while it waits for its next sixteenth
		if got := h.spin(id, 2*time.Second); got > 3*sixteenth {
			return
		}
		h.setCPU(id, 64)
	}
	t.Error("with a whole CPU it gets no more than with a sixteenth")
}

func (h *host) setCPU(id string, units int) {
	if err := h.SetCPU(h.t.Context(), id, units); err != nil {
		h.t.Error(err)
	}
}

// spin has the instance use the CPU for so long and returns how much it got.
func (h *host) spin(id string, d time.Duration) time.Duration {
	h.t.Helper()
	got, err := time.ParseDuration(h.mustAsk(id, "/spin", "for", d.String()))
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

// BenchmarkSetCPU is what the first request after a rest pays.
func BenchmarkSetCPU(b *testing.B) {
	h := newHost(b)
	id := h.start(h.spec())
	units := []int{64, 1024}
	for i := 0; b.Loop(); i++ {
		if err := h.SetCPU(b.Context(), id, units[i%2]); err != nil {
			b.Fatal(err)
		}
	}
}
