//go:build linux && cgo

package container

import (
	"testing"
	"time"

	"apron/driver"
)

func TestStart_ServesThroughDial(t *testing.T) {
	h := newHost(t)
	begin := time.Now()
	id := h.start(h.spec())
	t.Logf("up after %s", time.Since(begin))
	if got := h.mustAsk(id, "/"); got != "ok" {
		t.Errorf("answer %q", got)
	}
	inst, err := h.Inspect(t.Context(), id)
	if err != nil || inst.State != driver.Running {
		t.Errorf("inspect: %+v %v", inst, err)
	}
	begin = time.Now()
	if err := h.Stop(t.Context(), id, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	t.Logf("stopped after %s", time.Since(begin))
	begin = time.Now()
	if err := h.Destroy(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	t.Logf("destroyed after %s", time.Since(begin))
}
