package main_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/aprontest"
)

// TestUpgrade_TheProcessBeforeEnds wants a process that has handed over, and has a connection that nobody ends, to be gone in the end
// whatever becomes of its successor, and to say why it cut the connection.
func TestUpgrade_TheProcessBeforeEnds(t *testing.T) {
	for _, c := range []struct {
		name, limit, reason string
		end                 func(*world) error
	}{
		{"at the limit", "1s", "the limit of --handover-limit has passed", func(*world) error { return nil }},
		{"with apron stop", "15m", "the server is told to end", func(w *world) error { return w.platform.Stop(w.Context(), false) }},
		{"when the new one is killed", "2s", "the process that has taken over is gone", func(w *world) error { return w.platform.Kill() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "APRON_HANDOVER_LIMIT="+c.limit)
			w.do(createWith("app:1", nil))
			w.greeting = "hello"
			e := openEcho(t, w)
			slow := make(chan error, 1)
			go func() {
				c := &rawClient{address: e.address, host: w.url}
				slow <- c.send("GET", "/slow?ms=1500", http.StatusOK)
				c.close()
			}()
			time.Sleep(500 * time.Millisecond) // the request is on its way
			before := w.upgraded()
			if err := c.end(w); err != nil {
				t.Error(err)
			}
			if err := <-slow; err != nil && c.name != "at the limit" {
				t.Errorf("request in flight: %v", err)
			}
			if err := aprontest.Gone(before, 30*time.Second); err != nil {
				t.Error(err)
			}
			if log := w.platform.Log(); !strings.Contains(log, c.reason) {
				t.Errorf("no %q in\n%s", c.reason, log)
			}
			if c.name != "at the limit" {
				w.start()
			}
			w.holds(types.ServiceStatusRunning)
		})
	}
}

// TestUpgrade_OneAtATime asks for several at once.
func TestUpgrade_OneAtATime(t *testing.T) {
	w := newWorld(t)
	w.do(createWith("app:1", nil))
	w.greeting = "hello"
	before := w.platform.PID()
	var wg sync.WaitGroup
	outs, errs := make([]string, 3), make([]error, 3)
	for i := range outs {
		asking := *w.platform // each follows by itself
		wg.Go(func() { outs[i], errs[i] = asking.Upgrade(t.Context()) })
	}
	wg.Wait()
	done := 0
	for i, err := range errs {
		switch {
		case err == nil:
			done++
		case !strings.Contains(outs[i], "another upgrade is under way, or the server is about to end"):
			t.Errorf("upgrade printed %q, %v", outs[i], err)
		}
	}
	if done == 0 {
		t.Errorf("none of %d upgrades was made", len(outs))
	}
	if err := w.platform.Follow(); err != nil || w.platform.PID() == before {
		t.Errorf("process %d serves, %v", w.platform.PID(), err)
	}
	w.holds(types.ServiceStatusRunning)
}

// TestUpgrade_ABuildUnderWayBeginsAnew upgrades while a service is built: the new process builds it, with the service of before in
// place until then.
func TestUpgrade_ABuildUnderWayBeginsAnew(t *testing.T) {
	w := newSourceWorld(t, site("Hello"), nil)
	w.bring("running")
	files := site("Good day")
	files["apprunner.yaml"] = strings.Replace(files["apprunner.yaml"], "commands:\n", "commands:\n    pre-build:\n      - sleep 2\n", 1)
	commit := w.push("Say good day, slowly", files)
	if err := deploy(t.Context(), w.world); err != nil {
		t.Fatal(err)
	}
	builds := func() int { return strings.Count(w.logs("--deployment"), "sleep 2") }
	for until := time.Now().Add(time.Minute); builds() == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("no build has begun:\n%s", w.logs("--deployment"))
		}
	}
	w.upgraded()
	w.answers(http.StatusOK)
	w.greeting = "Good day"
	w.ends(types.OperationStatusSucceeded)
	w.holds(types.ServiceStatusRunning)
	w.newestCommit(commit)
	if n := builds(); n != 2 {
		t.Errorf("it was built %d times:\n%s", n, w.logs("--deployment"))
	}
}
