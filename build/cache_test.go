//go:build linux && cgo

package build_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apron/build"
)

// cached is a commit whose build counts in the runtime's cache how often it was used; n makes it another commit.
func (r *rig) cached(n int, more ...string) build.Request {
	r.t.Helper()
	const count = "echo x >>/root/.cache/pip/count; echo used $(wc -l </root/.cache/pip/count) times"
	config := yaml(revised, map[string][]string{"build": append([]string{count}, more...), "pre-run": {"ls -d /root/.cache/pip"}})
	return r.request(files{"apprunner.yaml": config, "started": "x", "number": fmt.Sprint(n)})
}

func (r *rig) wantUsed(times int) {
	r.t.Helper()
	if log := r.log(); !strings.Contains(log, fmt.Sprintf("[Build] used %d times\n", times)) {
		r.t.Errorf("the cache was not used %d times:\n%s", times, log)
	}
}

func TestCaches_AreKeptForTheServiceAndAreNoPartOfTheImage(t *testing.T) {
	r := newRig(t)
	res := r.must(r.cached(1))
	r.wantUsed(1)
	if got := r.in(res, "find /root/.cache; echo end"); strings.Contains(got, "count") {
		t.Errorf("in the image: %s", got)
	}
	r.must(r.cached(2))
	r.wantUsed(2)
	other := r.cached(2)
	other.Service, other.Name = strings.Repeat("ab", 16), "other"
	r.must(other)
	r.wantUsed(1)
}

func TestCaches_AreEmptyWhenTheyMayBeWhatFails(t *testing.T) {
	r := newRig(t)
	r.must(r.cached(1))
	r.wantUsed(1)

	broken := r.cached(2, "exit 1")
	r.refused(broken)
	if log := r.log(); !strings.Contains(log, "used 2 times") || !strings.Contains(log, "[AppRunner] Deploying this commit again builds it with empty dependency caches.") {
		t.Errorf("the first failure:\n%s", log)
	}
	r.must(r.cached(3)) // another commit: the user has mended it
	r.wantUsed(3)

	r.refused(r.cached(2, "exit 1"))
	r.wantUsed(4)
	r.refused(again(broken)) // the very same again
	if log := r.log(); !strings.Contains(log, "used 1 times") || strings.Contains(log, "Deploying this commit again") {
		t.Errorf("the second failure of one commit:\n%s", log)
	}
	r.must(r.cached(4)) // the last two failed
	r.wantUsed(1)
}

func TestCaches_AreEmptiedOverTheirLimit(t *testing.T) {
	r := newRig(t, func(c *build.Config) { c.Cache = 1 })
	r.must(r.cached(1))
	r.must(r.cached(2, "dd if=/dev/zero of=/root/.cache/pip/large bs=1M count=3"))
	if log := r.log(); !strings.Contains(log, "[AppRunner] The cache of /root/.cache/pip has grown over 1 MiB and is emptied for the next build.") {
		t.Errorf("log:\n%s", log)
	}
	r.must(r.cached(3))
	r.wantUsed(1)
}

func TestCaches_AreNotFollowedOutOfTheirDirectory(t *testing.T) {
	r := newRig(t)
	precious := filepath.Join(r.dir, "precious")
	write(t, precious+"/file", "x")
	r.must(r.cached(1, "cd /root/.cache; rm -rf pip/*; ln -s "+precious+" pip/link; chmod 0 pip", "ln -s "+precious+"/file /root/.cache/pip/count"))
	r.log()
	if err := r.Forget(serviceID); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(precious + "/file"); err != nil || string(data) != "x" {
		t.Errorf("what the cache's link leads to: %q, %v", data, err)
	}
}

func TestPrune_RemovesWhatIsOldOrOfNobody(t *testing.T) {
	r := newRig(t)
	r.must(r.cached(1))
	all := func(string) bool { return true }
	if freed, err := r.Prune(t.Context(), all, time.Hour); err != nil || freed != 0 {
		t.Errorf("freed %d of what was just used, %v", freed, err)
	}
	if freed, err := r.Prune(t.Context(), all, 0); err != nil || freed <= 0 {
		t.Errorf("freed %d of what is old, %v", freed, err)
	}
	r.must(r.cached(2))
	r.wantUsed(1)
	if _, err := r.Prune(t.Context(), func(string) bool { return false }, time.Hour); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(r.dir, "builds/services/*")); len(left) > 0 {
		t.Errorf("of a service that is gone there is %v", left)
	}
}
