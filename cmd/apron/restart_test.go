package main_test

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
)

// TestInstances_ServeOnThroughARestart is promise 4: the instance that answers after the server was killed and started
// again is the one that answered before.
func TestInstances_ServeOnThroughARestart(t *testing.T) {
	for name, end := range map[string]func(*world) error{
		"kill -9": func(w *world) error { return w.platform.Kill() },
		"stop":    func(w *world) error { return w.platform.Stop(w.Context(), false) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.do(create)
			_, before, err := w.get("/")
			if err != nil {
				t.Fatal(err)
			}
			trace := w.trace()
			if err := end(w); err != nil {
				t.Fatal(err)
			}
			if f := w.footprint(trace); f.Processes != 1 {
				t.Errorf("without a server the instance holds %s", f)
			}
			w.start()
			w.holds(types.ServiceStatusRunning)
			if _, after, err := w.get("/"); err != nil || after != before {
				t.Errorf("answer after the restart = %q, %v; want %q", after, err, before)
			}
		})
	}
}

// TestRestart_BringsBackWhatEndedMeanwhile is a reboot in small: the records say RUNNING and no instance is there.
func TestRestart_BringsBackWhatEndedMeanwhile(t *testing.T) {
	for name, end := range map[string]func(*world){
		"stop --all": func(w *world) {
			if err := w.platform.Stop(w.Context(), true); err != nil {
				w.Fatal(err)
			}
		},
		"instances killed": func(w *world) {
			if err := w.platform.Kill(); err != nil {
				w.Fatal(err)
			}
			w.killInstances()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.do(create)
			trace := w.trace()
			end(w)
			w.start()
			w.eventuallyAnswers(http.StatusOK)
			w.holds(types.ServiceStatusRunning)
			if f := w.footprint(trace); !f.Zero() {
				t.Errorf("the instance from before holds %s", f)
			}
			w.do(pause)
		})
	}
}

// TestRestart_LeavesAPausedServiceAlone wants no instance back that nobody asked for.
func TestRestart_LeavesAPausedServiceAlone(t *testing.T) {
	w := newWorld(t)
	w.do(create)
	w.do(pause)
	if err := w.platform.Kill(); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.holds(types.ServiceStatusPaused)
	w.do(resume)
	w.holds(types.ServiceStatusRunning)
}

// TestSecrets_StayOutOfLogs is promise 7: what an owner set as a variable, and the keys, are in no log of apron's.
func TestSecrets_StayOutOfLogs(t *testing.T) {
	const planted = "planted-7d1f0c"
	w := newWorld(t)
	if err := createWith("app:1", map[string]string{"TOKEN": planted, "EXIT_AT_START": "3"})(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	w.ends(types.OperationStatusFailed)
	w.do(func(ctx context.Context, w *world) error {
		return updateTo(ctx, w, "app:1", map[string]string{"TOKEN": planted})
	})
	if _, body, err := w.get("/env"); err != nil || !strings.Contains(body, planted) {
		t.Fatalf("the instance does not have its variable: %q, %v", body, err)
	}
	for _, secret := range []string{planted, w.platform.Env["AWS_SECRET_ACCESS_KEY"]} {
		for what, text := range map[string]string{
			"the server's log": w.platform.Log(), "events": w.logs("--events"), "the deployment's log": w.logs("--deployment"),
		} {
			if strings.Contains(text, secret) {
				t.Errorf("%s has a secret:\n%s", what, text)
			}
		}
	}
}

// killInstances ends the processes of every instance of the world's platform, as a power cut does.
func (w *world) killInstances() {
	w.Helper()
	for _, pid := range w.trace().PIDs() {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			w.Fatal(err)
		}
	}
}

func (w *world) eventuallyAnswers(want int) {
	w.Helper()
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		if status, _, err := w.get("/"); err == nil && status == want {
			return
		}
	}
	w.Fatalf("no %d within a minute\n%s", want, w.platform.Log())
}
