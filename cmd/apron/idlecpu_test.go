package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// quota reads what the service's one instance may use of each 100 ms, from the kernel, in µs.
func (w *world) quota() string {
	w.Helper()
	id := w.usage().Instances[0].InstanceId
	for _, pattern := range []string{"/sys/fs/cgroup/cpu*/apron-*/" + id + "/cpu.cfs_quota_us", "/sys/fs/cgroup/apron-*/" + id + "/cpu.max"} {
		files, _ := filepath.Glob(pattern) // the pattern is well formed
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil {
				return strings.Fields(string(text))[0]
			}
		}
	}
	w.Fatal("the instance has no cgroup that limits its CPU")
	return ""
}

func (w *world) awaitQuota(want string) {
	w.Helper()
	got := ""
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(50 * time.Millisecond) {
		if got = w.quota(); got == want {
			return
		}
	}
	w.Fatalf("the instance may use %s µs of each 100 ms after a minute, want %s\n%s", got, want, w.platform.Log())
}

func TestIdleCPU_IsGivenUpAndBackWithTheRequest(t *testing.T) {
	const whole, idle = "25000", "6250" // a quarter of a vCPU, and a sixteenth
	w := newWorld(t)
	w.do(createWith("app:1", nil))
	w.greeting = "hello"
	w.awaitQuota(idle)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if status, _, err := w.get("/slow?ms=10000"); err != nil || status != http.StatusOK {
			t.Errorf("GET = %d, %v", status, err)
		}
	}()
	w.awaitQuota(whole)
	for serving := true; serving; { // longer than it takes an idle one to rest
		select {
		case <-done:
			serving = false
		case <-time.After(200 * time.Millisecond):
			if q := w.quota(); q != whole {
				t.Fatalf("with a request in flight the instance may use %s", q)
			}
		}
	}
	w.awaitQuota(idle)
	w.restart()
	w.answers(http.StatusOK)
	w.awaitQuota(whole)
	w.awaitQuota(idle)
	w.tag("apron:cpu-idle", "always")
	w.awaitQuota(whole)
}
