package main_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/api"
	"apron/aprontest"
)

// upgraded upgrades the world's platform and returns the process that served before.
func (w *world) upgraded(args ...string) (before int) {
	w.Helper()
	before = w.platform.PID()
	out, err := w.platform.Upgrade(w.Context(), args...)
	if err != nil {
		w.Fatal(err)
	}
	if w.platform.PID() == before {
		w.Fatalf("process %d serves still after\n%s", before, out)
	}
	return before
}

// shellProgram is a program of the shell.
func shellProgram(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// logsAccess wants the service's access log to have the targets.
func (w *world) logsAccess(targets ...string) {
	w.Helper()
	var text []byte // of an error too, while there is no line yet
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		text, _ = exec.Command(programs.apron, "logs", "--data", w.data, "web-app", "--access").CombinedOutput()
		if !slices.ContainsFunc(targets, func(target string) bool { return !strings.Contains(string(text), target) }) {
			return
		}
	}
	w.Errorf("the access log lacks one of %q:\n%s", targets, text)
}

// TestUpgrade_FailsNoRequest upgrades five times under a steady load of short, slow and seldom requests on new and on kept
// connections, beside connections that stay open through all of it, and wants every process to end but the last.
func TestUpgrade_FailsNoRequest(t *testing.T) {
	w := newWorld(t)
	w.do(createWith("app:1", nil))
	w.greeting = "hello"
	l := startLoad(w)
	var old []int
	var echoes []*echo
	for i := range 5 {
		echoes = append(echoes, openEcho(t, w))
		old = append(old, w.upgraded())
		for n, e := range echoes {
			if err := e.says(fmt.Sprintf("after upgrade %d", i+1)); err != nil {
				t.Errorf("connection %d after upgrade %d: %v", n, i+1, err)
			}
		}
		time.Sleep(500 * time.Millisecond) // for the load to go on in the new process
	}
	l.end()
	w.holds(types.ServiceStatusRunning)
	for _, e := range echoes {
		e.close()
	}
	aprontest.Disconnect() // what nobody uses would stay for 75 s
	for _, pid := range old {
		if err := aprontest.Gone(pid, 30*time.Second); err != nil {
			t.Errorf("%v\n%s", err, w.platform.Log())
		}
	}
}

// TestUpgrade_ToWhatFails wants the old process to go on, with an answer that says why, as if nothing had been asked.
func TestUpgrade_ToWhatFails(t *testing.T) {
	w := newWorld(t)
	w.do(createWith("app:1", nil))
	w.greeting = "hello"
	greeter := filepath.Join(t.TempDir(), "greeter")
	if out, err := exec.Command("go", "build", "-o", greeter, "./testdata/greeter").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	greet := func(text string) string { return fmt.Sprintf("GREETING='%s' exec %s", text, greeter) }
	l := startLoad(w)
	e := openEcho(t, w)
	for _, c := range []struct{ name, script, reason string }{
		{"ends at once", "exit 3", "exit status 3"},
		{"hangs", "exec sleep 1000", "not ready within 4s"},
		{"is no server", "exec cat", "exit status 0"},
		{"speaks another version", greet(`{"protocol":99,"version":"v9"}`), "and apron v9 version 99; stop the one and start the other instead"},
		{"knows older data", greet(`{"protocol":1,"version":"v0.1","schema":1}`), "apron v0.1 is older than"},
		{"falls silent", greet(`{"protocol":1,"version":"v9","schema":1000}`), "not ready within 4s"},
		{"has other flags", "exec " + programs.apron + " \"$@\" --domain 'no domain'", "exit status 1; what it said is in the server's log"},
		{"stops while it recovers", "APRON_CRASH_AT='UPGRADE new recovered' exec " + programs.apron + " \"$@\"", "signal: killed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := w.platform.PID()
			out, err := w.platform.Upgrade(t.Context(), "--binary", shellProgram(t, c.script), "--limit", "4s")
			if err == nil || !strings.Contains(out, c.reason) || !strings.Contains(out, "no upgrade: ") {
				t.Errorf("upgrade printed %q, %v; want %q", out, err, c.reason)
			}
			if w.platform.PID() != before {
				t.Errorf("process %d serves, want %d", w.platform.PID(), before)
			}
			w.holds(types.ServiceStatusRunning)
		})
	}
	if err := e.says("still here"); err != nil {
		t.Error(err)
	}
	l.end()
	w.do(pause)
	w.upgraded()
	w.do(resume)
}

// TestUpgrade_OperationsLeaveOldConnectionsTheirTime deploys and pauses right after an upgrade, while the process from before it
// has a request in flight: it ends in peace, and nothing of its instance is left then.
func TestUpgrade_OperationsLeaveOldConnectionsTheirTime(t *testing.T) {
	for _, c := range []struct {
		name   string
		act    func(*world)
		status types.ServiceStatus
	}{
		{"deployment", func(w *world) {
			w.do(func(ctx context.Context, w *world) error {
				return updateTo(ctx, w, "app:1", map[string]string{"VERSION": "2"})
			})
		}, types.ServiceStatusRunning},
		{"pause", func(w *world) { w.do(pause) }, types.ServiceStatusPaused},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.do(createWith("app:1", nil))
			w.greeting = "hello"
			trace, e := w.trace(), openEcho(t, w)
			slow := make(chan error, 1)
			go func() {
				c := &rawClient{address: e.address, host: w.url}
				slow <- c.send("GET", "/slow?ms=4000", http.StatusOK)
				c.close()
			}()
			w.becomes("busy with two", func(u *api.ServiceUsage) bool { return u.RequestsInFlight == 2 })
			before := w.upgraded()
			c.act(w)
			if err := <-slow; err != nil {
				t.Errorf("request in flight: %v", err)
			}
			if err := e.says("hello"); err == nil {
				t.Error("the upgraded connection outlived its instance")
			}
			f := w.footprint(trace)
			for until := time.Now().Add(time.Minute); !f.Zero() && time.Now().Before(until); f = w.footprint(trace) {
				time.Sleep(20 * time.Millisecond) // the process that started the instance collects what is left of it
			}
			if !f.Zero() {
				t.Errorf("the instance from before holds %s", f)
			}
			w.logsAccess("/slow?ms=4000", "/echo")
			w.holds(c.status)
			if t.Failed() {
				t.Logf("process %d left to %d\n%s", before, w.platform.PID(), w.platform.Log())
			}
		})
	}
}
