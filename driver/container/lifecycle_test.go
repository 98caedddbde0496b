//go:build linux && cgo

package container

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"apron/driver"
)

func TestStart_ServesThroughDial(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	id := h.start(spec)
	if got := h.mustAsk(id, "/"); got != "ok" {
		t.Errorf("answer %q", got)
	}
	inst, err := h.Inspect(t.Context(), id)
	if err != nil || inst.State != driver.Running || inst.Spec.Service != "svc" || time.Since(inst.StartedAt) > time.Minute {
		t.Errorf("inspect: %+v %v", inst, err)
	}
	conn, err := h.Dial(t.Context(), id, 8080)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, ok := conn.(*net.TCPConn); !ok {
		t.Errorf("Dial answers a %T", conn)
	}
	if _, err := h.Dial(t.Context(), id, 81); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a port that nobody listens on: %v", err)
	}
}

func TestDial_ReachesAServerOnIPv6LoopbackOnly(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	spec.Env = append(spec.Env, "LISTEN=[::1]")
	if got := h.mustAsk(h.start(spec), "/"); got != "ok" {
		t.Error(got)
	}
}

func TestStart_RefusesAnIDThatExists(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	h.start(spec)
	if err := h.Start(t.Context(), spec); !errors.Is(err, driver.ErrExists) {
		t.Errorf("second start: %v", err)
	}
	if got := h.mustAsk(spec.ID, "/"); got != "ok" {
		t.Errorf("the first one answers %q", got)
	}
}

func TestStart_CutOffByItsContextLeavesNothing(t *testing.T) {
	h := newHost(t)
	for _, after := range []time.Duration{0, 3 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 30 * time.Millisecond} {
		spec := h.spec()
		ctx, cancel := context.WithTimeout(t.Context(), after)
		err := h.Start(ctx, spec)
		cancel()
		if err == nil {
			if err := h.Destroy(t.Context(), spec.ID); err != nil { // it was quicker
				t.Error(err)
			}
		} else if errors.Is(err, driver.ErrLeftover) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %s: %v", after, err)
		}
		h.mustBeGone(spec.ID)
	}
	h.mustHoldNothing()
}

func TestStop_LetsTheProgramEnd(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	id := h.start(spec)
	begin := time.Now()
	if err := h.Stop(t.Context(), id, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("took %s", took)
	}
	exit, err := h.Wait(t.Context(), id)
	if err != nil || exit.Code != 0 || exit.Signal != 0 || exit.OOM {
		t.Errorf("exit %+v %v", exit, err)
	}
	if log, _ := os.ReadFile(spec.LogPath); !strings.Contains(string(log), "listening on") || !strings.Contains(string(log), "got terminated") {
		t.Errorf("log: %q", log)
	}
	for range 2 { // repeated
		if err := errors.Join(h.Stop(t.Context(), id, time.Second), h.Destroy(t.Context(), id)); err != nil {
			t.Error(err)
		}
	}
	if _, err := h.Wait(t.Context(), id); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("wait for what is gone: %v", err)
	}
}

func TestStop_SendsTheImagesStopSignal(t *testing.T) {
	h := newHost(t)
	img := appImage()
	img.StopSignal = "SIGUSR1"
	h.images["sha256:usr1"] = img
	spec := h.spec()
	spec.Image = "sha256:usr1"
	id := h.start(spec)
	if err := h.Stop(t.Context(), id, time.Minute); err != nil {
		t.Fatal(err)
	}
	if log, _ := os.ReadFile(spec.LogPath); !strings.Contains(string(log), "got user defined signal 1") {
		t.Errorf("log: %q", log)
	}
}

func TestStop_KillsAfterGraceWhatIgnoresTheSignal(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	spec.Command = []string{"ignore-term"}
	id := h.start(spec)
	h.mustAsk(id, "/spawn", "n", "3")
	begin := time.Now()
	if err := h.Stop(t.Context(), id, 300*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 300*time.Millisecond || took > time.Minute {
		t.Errorf("took %s", took)
	}
	if left := processesOf(id); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if exit, _ := h.Wait(t.Context(), id); exit.Code != 137 || exit.Signal != 9 || exit.OOM {
		t.Errorf("exit %+v", exit)
	}
}

func TestStop_WaitsForAProgramThatTakesItsTime(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	spec.Command = []string{"slow-term"}
	id := h.start(spec)
	if err := h.Stop(t.Context(), id, time.Minute); err != nil {
		t.Fatal(err)
	}
	if exit, _ := h.Wait(t.Context(), id); exit.Code != 0 {
		t.Errorf("exit %+v", exit)
	}
}

func TestWait_TellsTheExitCode(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	spec.Command = []string{"exit", "7"}
	if err := h.Start(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	exit, err := h.Wait(t.Context(), spec.ID)
	if err != nil || exit.Code != 7 || exit.Signal != 0 || exit.OOM || time.Since(exit.At) > time.Minute {
		t.Errorf("exit %+v %v", exit, err)
	}
	inst, err := h.Inspect(t.Context(), spec.ID)
	if err != nil || inst.State != driver.Ended || inst.Exit.Code != 7 {
		t.Errorf("inspect %+v %v", inst, err)
	}
}

func TestWait_EndsWithItsContext(t *testing.T) {
	h := newHost(t)
	id := h.start(h.spec())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := h.Wait(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestMemory_OverTheLimitEndsTheInstanceAsOOM(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	spec.Memory = 64
	id := h.start(spec)
	h.mustAsk(id, "/eat", "mib", "10")
	if status, _ := h.ask(id, "/eat", "mib", "200"); status == 200 {
		t.Error("200 MiB were to be had within 64")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	exit, err := h.Wait(ctx, id)
	if err != nil || !exit.OOM || exit.Code != 137 || exit.Signal != 9 {
		t.Errorf("exit %+v %v", exit, err)
	}
}

func TestCPU_IsHeldToItsShare(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	spec.CPU = 256
	id := h.start(spec)
	got, err := time.ParseDuration(h.mustAsk(id, "/spin", "for", "2s"))
	if err != nil || got > 800*time.Millisecond {
		t.Errorf("a quarter of a CPU gave %s in 2s (%v)", got, err)
	}
}

func TestProcesses_AreLimited(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	id := h.start(spec)
	g, err := h.group(id)
	if err != nil {
		t.Fatal(err)
	}
	path := g.Path("pids")
	if path == "" {
		path = g.Path("")
	}
	if data, err := os.ReadFile(path + "/pids.max"); err != nil || strings.TrimSpace(string(data)) != "4096" {
		t.Errorf("pids.max %q %v", data, err)
	}
}

func TestStart_OfManyAtOnceGivesEachItsOwn(t *testing.T) {
	h := newHost(t)
	const n = 8
	specs := make([]driver.Spec, n)
	failed := make([]error, n)
	var wg sync.WaitGroup
	for i := range specs {
		specs[i] = h.spec()
		specs[i].Memory = 64
		wg.Go(func() { failed[i] = h.Start(t.Context(), specs[i]) })
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	addresses := map[int]bool{}
	for _, spec := range specs {
		h.awaitServing(spec)
		addresses[h.Driver.find(spec.ID).recorded().Address] = true
	}
	if len(addresses) != n {
		t.Errorf("%d addresses for %d instances", len(addresses), n)
	}
	for i, spec := range specs {
		wg.Go(func() { failed[i] = h.Destroy(t.Context(), spec.ID) })
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	for _, spec := range specs {
		h.mustBeGone(spec.ID)
	}
	h.mustHoldNothing()
}
