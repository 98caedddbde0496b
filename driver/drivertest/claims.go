package drivertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"apron/driver"
)

func startServes(t *testing.T, b *bench) {
	before := time.Now()
	spec := b.start(b.spec())
	if body := b.get(spec.ID, "/"); body != "hello" {
		t.Errorf("body %q, want hello", body)
	}
	found, err := b.Inspect(b.ctx, spec.ID)
	if err != nil || found.State != driver.Running || !reflect.DeepEqual(found.Spec, spec) {
		t.Errorf("Inspect = %+v, %v; want the Spec of Start, running", found, err)
	}
	// Clocks that count ticks since boot are coarse, hence the second.
	if found.StartedAt.Before(before.Add(-time.Second)) || found.StartedAt.After(time.Now().Add(time.Second)) {
		t.Errorf("StartedAt = %v, but Start was called at %v", found.StartedAt, before)
	}
}

func startTwice(t *testing.T, b *bench) {
	spec := b.serve()
	if err := b.Start(b.ctx, spec); !errors.Is(err, driver.ErrExists) {
		t.Errorf("second Start = %v, want ErrExists", err)
	}
	b.get(spec.ID, "/") // the first one is unharmed
}

func stopTerminates(t *testing.T, b *bench) {
	spec := b.serve()
	start := time.Now()
	b.stop(spec.ID, patience)
	if took := time.Since(start); took > patience/2 {
		t.Errorf("Stop took %v, so the grace was waited for", took)
	}
	if exit := b.wait(spec.ID); exit.Code != 0 || exit.Signal != 0 || exit.OOM {
		t.Errorf("exit = %+v, want the 0 that the application ends with on SIGTERM", exit)
	}
}

func stopKills(t *testing.T, b *bench) {
	spec := b.serve("IGNORE_TERM=1")
	const grace = 200 * time.Millisecond
	start := time.Now()
	b.stop(spec.ID, grace)
	if took := time.Since(start); took < grace {
		t.Errorf("Stop killed after %v, want a grace of %v", took, grace)
	}
	exit := b.wait(spec.ID)
	if exit.Code != 128+int(syscall.SIGKILL) || exit.Signal != int(syscall.SIGKILL) || exit.OOM {
		t.Errorf("exit = %+v, want code 137 by signal 9, not OOM", exit)
	}
}

func repeatStopAndDestroy(t *testing.T, b *bench) {
	spec := b.serve()
	b.stop(spec.ID, time.Second)
	b.stop(spec.ID, time.Second)
	b.destroy(spec.ID)
	b.destroy(spec.ID)
	b.stop(spec.ID, time.Second)
	b.destroy(newID()) // never existed
}

func stopKeeps(t *testing.T, b *bench) {
	spec := b.serve()
	b.stop(spec.ID, time.Second)
	if state := b.state(spec.ID); state != driver.Ended {
		t.Errorf("state after Stop = %v, want Ended", state)
	}
	if err := b.Start(b.ctx, spec); !errors.Is(err, driver.ErrExists) {
		t.Errorf("Start of a stopped ID = %v, want ErrExists until Destroy", err)
	}
	b.destroy(spec.ID)
	if err := b.Start(b.ctx, spec); err != nil {
		t.Errorf("Start after Destroy = %v, want the ID to be free again", err)
	}
}

func waitReturnsCode(t *testing.T, b *bench) {
	spec := b.serve()
	b.try(spec.ID, "/exit?code=7") // may end before it answers
	exit := b.wait(spec.ID)
	if exit.Code != 7 || exit.Signal != 0 || exit.OOM {
		t.Errorf("exit = %+v, want code 7", exit)
	}
	if since := time.Since(exit.At); since < -time.Second || since > patience {
		t.Errorf("Exit.At = %v, which is no time of this test", exit.At)
	}
}

func waitAfterEnd(t *testing.T, b *bench) {
	spec := b.start(b.spec("EXIT_AT_START=3"))
	for deadline := time.Now().Add(patience); b.state(spec.ID) != driver.Ended; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the instance never ended")
		}
	}
	if exit := b.wait(spec.ID); exit.Code != 3 {
		t.Errorf("exit = %+v, want code 3", exit)
	}
}

func waitCancelled(t *testing.T, b *bench) {
	spec := b.serve()
	ctx, cancel := context.WithTimeout(b.ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := b.Wait(ctx, spec.ID); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait = %v, want the context's error", err)
	}
	b.get(spec.ID, "/")
}

func unknownInstance(t *testing.T, b *bench) {
	id := newID()
	_, inspect := b.Inspect(b.ctx, id)
	_, wait := b.Wait(b.ctx, id)
	_, dial := b.Dial(b.ctx, id, Port)
	for call, err := range map[string]error{"Inspect": inspect, "Wait": wait, "Dial": dial} {
		if !errors.Is(err, driver.ErrNotFound) {
			t.Errorf("%s = %v, want ErrNotFound", call, err)
		}
	}
}

func dialRefused(t *testing.T, b *bench) {
	spec := b.serve()
	conn, err := b.Dial(b.ctx, spec.ID, Port+1)
	if err == nil {
		conn.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Dial = %v, want ECONNREFUSED", err)
	}
}

func dialAfterDestroy(t *testing.T, b *bench) {
	spec := b.serve()
	b.destroy(spec.ID)
	if _, err := b.Dial(b.ctx, spec.ID, Port); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Dial = %v, want ErrNotFound", err)
	}
}

func logsBoth(t *testing.T, b *bench) {
	spec := b.spec()
	if err := os.WriteFile(spec.LogPath, []byte("an earlier line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start(spec)
	b.get(spec.ID, "/log?line=planted")
	b.stop(spec.ID, time.Second)
	log, err := os.ReadFile(spec.LogPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"an earlier line\n", "started", "out: planted\n", "err: planted\n"} {
		if !strings.Contains(string(log), want) {
			t.Errorf("log %q lacks %q", log, want)
		}
	}
}

func envArrives(t *testing.T, b *bench) {
	spec := b.serve("GREETING=two words=and more", "EMPTY=")
	env := strings.Split(b.get(spec.ID, "/env"), "\n")
	for _, want := range spec.Env {
		if !slices.Contains(env, want) {
			t.Errorf("environment %q lacks %q", env, want)
		}
	}
}

func commandReplaces(t *testing.T, b *bench) {
	spec := b.spec()
	spec.Command = []string{"/app", "one", "two words"}
	b.start(spec)
	if args := b.get(spec.ID, "/args"); args != "/app one two words" {
		t.Errorf("arguments %q", args)
	}
}

func recoverRunning(t *testing.T, b *bench) {
	first, second := b.serve("NAME=first"), b.serve("NAME=second")
	b.get(first.ID, "/health?set=fail") // only this very process will know
	found := b.restart()
	if len(found) != 2 {
		t.Fatalf("Recover found %+v, want two instances", found)
	}
	for _, i := range found {
		if want := map[string]driver.Spec{first.ID: first, second.ID: second}[i.Spec.ID]; i.State != driver.Running ||
			!reflect.DeepEqual(i.Spec, want) {
			t.Errorf("recovered %+v, want %+v, running", i, want)
		}
		if i.StartedAt.IsZero() || time.Since(i.StartedAt) > 2*patience {
			t.Errorf("StartedAt = %v, want that of the first start", i.StartedAt)
		}
	}
	b.get(second.ID, "/")
	if status, _, err := b.try(first.ID, "/health"); status != http.StatusServiceUnavailable {
		t.Errorf("GET /health = %d, %v: not the process that was started", status, err)
	}
}

func recoverEnded(t *testing.T, b *bench) {
	spec := b.serve()
	b.try(spec.ID, "/exit?code=7")
	b.wait(spec.ID)
	found := b.restart()
	if len(found) != 1 || found[0].State != driver.Ended || found[0].Spec.ID != spec.ID {
		t.Fatalf("Recover found %+v, want the ended instance", found)
	}
	// -1 is "nobody saw it end", which is honest after a restart; an invented code is not.
	if code := b.wait(spec.ID).Code; code != 7 && code != -1 {
		t.Errorf("exit code %d, want 7 or -1", code)
	}
	b.destroy(spec.ID)
	if found := b.restart(); len(found) != 0 {
		t.Errorf("after Destroy and one more restart there is %+v", found)
	}
}

func recoverPartial(t *testing.T, b *bench) {
	if b.MakePartial == nil {
		t.Skip("this harness has no way to cut off a Start")
	}
	spec := b.spec()
	b.destroyAtEnd(spec.ID)
	b.MakePartial(t, b.Driver, spec)
	found := b.restart()
	if len(found) != 1 || found[0].State != driver.Partial || found[0].Spec.ID != spec.ID {
		t.Fatalf("Recover found %+v, want one partial instance", found)
	}
	b.destroy(spec.ID)
	if found := b.restart(); len(found) != 0 {
		t.Errorf("after Destroy there is still %+v", found)
	}
}

func recoverThenStop(t *testing.T, b *bench) {
	spec := b.serve()
	b.restart()
	b.stop(spec.ID, 5*time.Second)
	b.wait(spec.ID)
	if state := b.state(spec.ID); state != driver.Ended {
		t.Errorf("state %v, want Ended", state)
	}
}

func destroyRunning(t *testing.T, b *bench) {
	spec := b.serve("IGNORE_TERM=1")
	b.destroy(spec.ID)
	if _, err := b.Inspect(b.ctx, spec.ID); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Inspect = %v, want ErrNotFound", err)
	}
	if found := b.restart(); len(found) != 0 {
		t.Errorf("after a restart there is %+v", found)
	}
}

func reportsOOM(t *testing.T, b *bench) {
	spec := b.serve()
	go b.try(spec.ID, "/eat?mb=512") // four times its memory; no answer is expected
	if exit := b.wait(spec.ID); !exit.OOM || exit.Code != 137 {
		t.Errorf("exit = %+v, want OOM with code 137", exit)
	}
}

func reportsUsage(t *testing.T, b *bench) {
	spec := b.serve()
	before := b.usage(spec.ID)
	const eaten = 24
	b.get(spec.ID, fmt.Sprintf("/eat?mb=%d", eaten))
	after := b.usage(spec.ID)
	if grown := after.Memory - before.Memory; grown < eaten<<20*9/10 || after.Memory > int64(spec.Memory)<<20 {
		t.Errorf("memory was %d and is %d after %d MiB were taken, of %d MiB that there are", before.Memory, after.Memory, eaten, spec.Memory)
	}
	if before.CPU <= 0 || after.CPU <= before.CPU {
		t.Errorf("CPU time was %v and is %v", before.CPU, after.CPU)
	}
	b.stop(spec.ID, time.Second)
	if ended := b.usage(spec.ID); ended != (driver.Usage{}) {
		t.Errorf("an ended instance uses %+v", ended)
	}
}

// setsCPU looks at what the driver says is in force; that it is enforced is each driver's own test.
func setsCPU(t *testing.T, b *bench) {
	spec := b.spec()
	spec.CPU, spec.StartCPU = 512, 1024
	b.start(spec)
	b.wantCPU(spec.ID, spec.StartCPU)
	for _, units := range []int{512, 64, 2048, 64} {
		if err := b.SetCPU(b.ctx, spec.ID, units); err != nil {
			t.Fatalf("SetCPU %d: %v", units, err)
		}
		b.wantCPU(spec.ID, units)
	}
	b.get(spec.ID, "/")
	b.restart()
	b.wantCPU(spec.ID, 64)
	if err := b.SetCPU(b.ctx, spec.ID, 512); err != nil {
		t.Error("SetCPU of a recovered instance:", err)
	}
	b.wantCPU(spec.ID, 512)
	b.stop(spec.ID, time.Second)
	if err := b.SetCPU(b.ctx, spec.ID, 64); err != nil {
		t.Error("SetCPU of an ended instance:", err)
	}
	b.destroy(spec.ID)
	if err := b.SetCPU(b.ctx, spec.ID, 64); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("SetCPU after Destroy = %v, want ErrNotFound", err)
	}
}

func (b *bench) wantCPU(id string, units int) {
	b.t.Helper()
	if got := b.usage(id).CPULimit; got != units {
		b.t.Errorf("the instance may use %d units, want %d", got, units)
	}
}

func fullDisk(t *testing.T, b *bench) {
	spec := b.serve()
	b.get(spec.ID, "/write?mb=8")
	if status, body, err := b.try(spec.ID, "/write?mb=128"); status != http.StatusInsufficientStorage {
		t.Errorf("writing twice the limit = %d %q, %v; want 507", status, body, err)
	}
	b.get(spec.ID, "/")
}

func noEgress(t *testing.T, b *bench) {
	spec := b.spec()
	spec.NoEgress = true
	b.start(spec)
	b.get(spec.ID, "/")
	// That such an address is reached without NoEgress is each driver's own test: it takes somebody out there.
	status, body, err := b.try(spec.ID, "/reach?addr=192.0.2.1:80")
	if status != http.StatusBadGateway || !strings.Contains(body, "network is unreachable") {
		t.Errorf("connecting to the outside = %d %q, %v; want it refused at once as unreachable", status, body, err)
	}
	if found := b.restart(); len(found) != 1 || !found[0].Spec.NoEgress {
		t.Errorf("Recover found %+v, want the instance without a way out", found)
	}
	b.get(spec.ID, "/")
}

func missingProgram(t *testing.T, b *bench) {
	spec := b.spec()
	spec.Command = []string{"/no/such/program"}
	b.destroyAtEnd(spec.ID)
	err := b.Start(b.ctx, spec)
	wrong, ok := errors.AsType[*driver.ImageError](err)
	if !ok || !strings.Contains(wrong.Reason, "/no/such/program") {
		t.Errorf("Start = %v, want an *ImageError that names the program", err)
	}
	if _, err := b.Inspect(b.ctx, spec.ID); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Inspect = %v, want ErrNotFound", err)
	}
	if found := b.restart(); len(found) != 0 {
		t.Errorf("it left %+v", found)
	}
}

func startMany(t *testing.T, b *bench) {
	const many = 8
	var wg sync.WaitGroup
	specs := make([]driver.Spec, many)
	errs := make([]error, many)
	for n := range many {
		specs[n] = b.spec(fmt.Sprintf("NUMBER=%d", n))
		b.destroyAtEnd(specs[n].ID)
		wg.Go(func() { errs[n] = b.Start(b.ctx, specs[n]) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for n, spec := range specs {
		if env := b.get(spec.ID, "/env"); !strings.Contains(env, fmt.Sprintf("NUMBER=%d", n)) {
			t.Errorf("instance %d answers with another's environment: %q", n, env)
		}
	}
}

func startCancelled(t *testing.T, b *bench) {
	for _, after := range []time.Duration{0, time.Millisecond, 4 * time.Millisecond, 16 * time.Millisecond} {
		spec := b.spec()
		b.destroyAtEnd(spec.ID)
		ctx, cancel := context.WithTimeout(b.ctx, after)
		err := b.Start(ctx, spec)
		cancel()
		if err == nil {
			if after == 0 {
				t.Error("Start with a context that is done succeeded")
			}
			b.get(spec.ID, "/") // it was quicker than the context
			continue
		}
		if _, err := b.Inspect(b.ctx, spec.ID); !errors.Is(err, driver.ErrNotFound) {
			t.Errorf("cancelled after %v: Inspect = %v, want ErrNotFound", after, err)
		}
		b.start(spec) // the ID and all its places are free
	}
}
