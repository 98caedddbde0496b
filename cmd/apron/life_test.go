package main_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/api"
	"apron/aprontest"
)

// TestPause_MeansZero is promise 2: nothing of a paused service is left on the machine, its URL answers 404, and
// resume brings the same version back, with no pull, on fresh storage.
func TestPause_MeansZero(t *testing.T) {
	w := newWorld(t)
	w.do(createWith("app:1", nil))
	w.greeting = "hello"
	w.holds(types.ServiceStatusRunning)
	if status, _, err := w.get("/write?mb=5"); err != nil || status != http.StatusOK {
		t.Fatalf("write = %d, %v", status, err)
	}
	trace := w.trace()
	before := w.footprint(trace)
	if before.Processes == 0 || before.Cgroups == 0 || before.Mounts == 0 || before.Links == 0 || before.Namespaces == 0 || before.Bytes < 5<<20 {
		t.Fatalf("the running service holds %s: the trace misses something", before)
	}

	w.do(pause)
	w.holds(types.ServiceStatusPaused)
	if f := w.footprint(trace); !f.Zero() {
		t.Errorf("the paused service holds %s", f)
	}
	// What the tag points to now must not matter.
	img, err := aprontest.Image(programs.hello)
	if err == nil {
		_, err = w.platform.Push(t.Context(), img, "app:1")
	}
	if err != nil {
		t.Fatal(err)
	}
	w.do(resume)
	w.holds(types.ServiceStatusRunning)
	if f := w.footprint(w.trace()); f.Bytes >= 5<<20 {
		t.Errorf("the resumed service holds %s: what it wrote before the pause is still there", f)
	}
}

func (w *world) trace() *aprontest.Trace {
	w.Helper()
	trace, err := w.platform.Trace(w.id)
	if err != nil {
		w.Fatal(err)
	}
	return trace
}

func (w *world) footprint(trace *aprontest.Trace) aprontest.Footprint {
	w.Helper()
	f, err := trace.Footprint()
	if err != nil {
		w.Fatal(err)
	}
	return f
}

func TestPause_LetsRequestsInFlightEnd(t *testing.T) {
	w := newWorld(t)
	w.do(createWith("app:1", nil))
	type answer struct {
		status int
		body   string
		err    error
	}
	slow := make(chan answer)
	go func() {
		status, body, err := w.get("/slow?ms=2000")
		slow <- answer{status, body, err}
	}()
	w.becomes("busy", func(u *api.ServiceUsage) bool { return u.RequestsInFlight == 1 })
	if err := pause(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if got := <-slow; got.err != nil || got.status != http.StatusOK || got.body != "slow" {
		t.Errorf("request in flight = %+v, want it to end", got)
	}
	w.ends(types.OperationStatusSucceeded)
	w.holds(types.ServiceStatusPaused)
}

func TestPause_KillsWhatIgnoresSIGTERM(t *testing.T) {
	w := newWorld(t, "APRON_STOP_GRACE=300ms")
	w.do(createWith("app:1", map[string]string{"IGNORE_TERM": "1"}))
	trace := w.trace()
	w.do(pause)
	if f := w.footprint(trace); !f.Zero() {
		t.Errorf("the paused service holds %s", f)
	}
}

func TestPauseTwice_IsANoOp(t *testing.T) {
	w := newWorld(t)
	w.do(create)
	w.do(pause)
	out, err := w.client.PauseService(t.Context(), &apprunner.PauseServiceInput{ServiceArn: &w.arn})
	if err != nil || out.OperationId != nil || out.Service.Status != types.ServiceStatusPaused {
		t.Errorf("second pause = %+v, %v; want PAUSED and no OperationId", out, err)
	}
}

func TestUpdateAndDeploy_ReplaceTheVersion(t *testing.T) {
	w := newWorld(t)
	w.do(create)
	first := w.trace()
	w.do(updateGreeting)
	w.do(manually)
	w.holds(types.ServiceStatusRunning)
	if f := w.footprint(first); !f.Zero() {
		t.Errorf("the version before holds %s", f)
	}
	img, err := aprontest.Image(programs.app)
	if err == nil {
		_, err = w.platform.Push(t.Context(), img, "hello:1")
	}
	if err != nil {
		t.Fatal(err)
	}
	w.do(deploy)
	w.greeting = "hello" // what app says, and hello does not with a GREETING
	w.holds(types.ServiceStatusRunning)
}

// manually keeps the service from deploying what is pushed before it is told to.
func manually(ctx context.Context, w *world) error {
	_, err := w.client.UpdateService(ctx, &apprunner.UpdateServiceInput{
		ServiceArn: &w.arn, SourceConfiguration: &types.SourceConfiguration{AutoDeploymentsEnabled: new(false)},
	})
	return err
}

func TestDelete_LeavesNothingButTheRecord(t *testing.T) {
	w := newWorld(t)
	w.do(create)
	trace := w.trace()
	w.do(remove)
	w.holds(types.ServiceStatusDeleted)
	if f := w.footprint(trace); !f.Zero() {
		t.Errorf("the deleted service holds %s", f)
	}
	w.arn = ""
	w.do(create) // the name is free
	w.holds(types.ServiceStatusRunning)
}

func TestAnInstanceThatDies_IsReplaced(t *testing.T) {
	w := newWorld(t)
	w.do(createWith("app:1", nil))
	w.greeting = "hello"
	trace := w.trace()
	if _, _, err := w.get("/exit?code=7"); err != nil {
		t.Logf("the request that ends the instance: %v", err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		status, body, err := w.get("/")
		if err == nil && status == http.StatusOK && body == "hello" && w.footprint(trace).Zero() {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no new instance: %d %q, %v\n%s", status, body, err, w.platform.Log())
		}
		time.Sleep(50 * time.Millisecond)
	}
}
