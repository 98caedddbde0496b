package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/aprontest"
)

// TestUpgrade_KilledAtEveryPlace kills the old process or the new one with SIGKILL at each place of a handover that an operation was
// begun before. Before the new process serves, its death is told to who asked, and the old one goes on; the old one's death leaves
// either the new one in charge or a state that a start takes up. In each case the operation ends and nothing is left over.
func TestUpgrade_KilledAtEveryPlace(t *testing.T) {
	for victim, places := range map[string][]string{
		"new": {"ready", "has the data", "recovered", "in charge", "found"},
		"old": {"ready", "released", "decided", "served", "takes back"},
	} {
		t.Run(victim, func(t *testing.T) {
			t.Parallel()
			for _, place := range places {
				t.Run(place, func(t *testing.T) {
					w := newWorld(t, "APRON_CRASH_AT=UPGRADE "+victim+" "+place)
					w.do(create)
					before := w.platform.PID()
					if err := updateGreeting(t.Context(), w); err != nil {
						t.Fatal(err)
					}
					out, err := w.platform.Upgrade(t.Context(), w.breaking(place)...)
					if err == nil {
						t.Fatalf("nobody was killed:\n%s", out)
					}
					if victim == "new" {
						w.goesOn(before, out)
					} else {
						w.recovers(before)
					}
					w.ends(types.OperationStatusSucceeded)
					w.holds(types.ServiceStatusRunning)
				})
			}
		})
	}
}

// breaking are arguments of an upgrade whose new process dies when it is late enough for the place.
func (w *world) breaking(place string) []string {
	if place != "takes back" {
		return nil
	}
	return []string{"--binary", shellProgram(w.T, fmt.Sprintf("APRON_CRASH_AT='UPGRADE new recovered' exec %s \"$@\"", programs.apron))}
}

// goesOn wants the process from before to serve, and to have said why.
func (w *world) goesOn(before int, out string) {
	w.Helper()
	if !strings.Contains(out, "no upgrade: the new process ended with signal: killed") {
		w.Errorf("upgrade printed %q", out)
	}
	aprontest.Disconnect()
	if err := w.platform.Follow(); err != nil || w.platform.PID() != before {
		w.Errorf("process %d serves, %v; want %d", w.platform.PID(), err, before)
	}
}

// recovers wants a server again after the old process was killed: the new one, or else one that is started.
func (w *world) recovers(old int) {
	w.Helper()
	if err := aprontest.Gone(old, 30*time.Second); err != nil {
		w.Fatal(err)
	}
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if w.dataFree() {
			w.start()
			return
		}
		if err := w.platform.Follow(); err == nil && w.platform.PID() != old {
			aprontest.Disconnect() // those that clients have kept were the dead process's
			w.client = w.platform.Client()
			return
		}
	}
	w.Fatalf("neither is the data directory free, nor does a process serve from it\n%s", w.platform.Log())
}

func (w *world) dataFree() bool {
	w.Helper()
	lock, err := os.Open(filepath.Join(w.data, "lock"))
	if err != nil {
		w.Fatal(err)
	}
	defer lock.Close()
	return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
