//go:build linux && cgo

package build_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"apron/build"
	"apron/image"
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
	r.refused(r.cached(4, "dd if=/dev/zero of=/root/.cache/pip/large bs=1M count=3; exit 1"))
	if left, _ := filepath.Glob(filepath.Join(r.dir, "builds/services/*/cache/*/*/large")); len(left) > 0 {
		t.Errorf("a build that failed has left %v", left)
	}
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

func TestRemoveCache_EmptiesWhatNoBuildHasUsedSince(t *testing.T) {
	r := newRig(t)
	r.must(r.cached(1))
	before := r.cache()
	r.must(r.cached(2))
	r.wantUsed(2)
	if freed, err := r.RemoveCache(before); err != nil || freed != 0 {
		t.Errorf("freed %d of what was used since, %v", freed, err)
	}
	if freed, err := r.RemoveCache(r.cache()); err != nil || freed <= 0 {
		t.Errorf("freed %d, %v", freed, err)
	}
	if c := r.cache(); c.Bytes != 0 {
		t.Errorf("%d bytes are left", c.Bytes)
	}
	r.must(r.cached(3))
	r.wantUsed(1)
	if err := r.Forget(serviceID); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(r.dir, "builds/*/*")); len(left) > 0 {
		t.Errorf("of a service that is gone there is %v", left)
	}
}

// cache is that of the one service.
func (r *rig) cache() build.Cache {
	r.t.Helper()
	list, err := r.Caches(r.t.Context())
	if err != nil || len(list) != 1 || list[0].Service != serviceID {
		r.t.Fatalf("the caches are %+v, %v", list, err)
	}
	return list[0]
}

// TestBuild_HoldsWhatItWorksWith although a collection that keeps nothing else goes on all the while: the base and the first of
// two images are older than any grace, and the cache is not to be had.
func TestBuild_HoldsWhatItWorksWith(t *testing.T) {
	r := newRig(t)
	collect := func() {
		for _, c := range must(r.Caches(t.Context())) {
			if freed, err := r.RemoveCache(c); err != nil || freed != 0 {
				t.Errorf("freed %d of a cache in use, %v", freed, err)
			}
		}
		none := func(string) bool { return false }
		if err := r.Untag(t.Context(), none, 0); err != nil {
			t.Error(err)
		}
		for _, img := range must(r.images.List(t.Context())) {
			if !slices.Contains(r.Images(), img.Digest) {
				t.Errorf("nothing holds image %s", img.Digest)
			}
		}
	}
	r.onLine = func(text string) {
		if strings.HasPrefix(text, "[Build] in ") {
			collect()
		}
	}
	req := r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{"build": {"echo in build"}, "pre-run": {"echo in pre-run"}}), "started": "x"})
	r.must(req)
	if held := r.Images(); len(held) > 0 {
		t.Errorf("after the build %v are held", held)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestUntag_LeavesWhatIsNeededAndWhatClientsSet(t *testing.T) {
	r := newRig(t)
	needed := r.must(r.request(files{"apprunner.yaml": yaml(revised, nil), "started": "1"}))
	r.must(r.request(files{"apprunner.yaml": yaml(revised, nil), "started": "2"}))
	images := r.images.Account(account)
	pushed, err := images.Commit(t.Context(), image.NewImage{Base: needed.Image, Created: time.Now(), Cmd: []string{"x"}, Repo: "apron/web", Tag: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	keep := func(digest string) bool { return digest == needed.Image }
	if err := r.Untag(t.Context(), keep, time.Hour); err != nil {
		t.Fatal(err)
	}
	if tags := must(images.Tagged(t.Context(), "apron/web")); len(tags) != 3 {
		t.Errorf("of three young tags there are %+v", tags)
	}
	if err := r.Untag(t.Context(), keep, 0); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, tag := range must(images.Tagged(t.Context(), "apron/web")) {
		left = append(left, tag.Digest)
	}
	slices.Sort(left)
	if want := slices.Sorted(slices.Values([]string{needed.Image, pushed})); !slices.Equal(left, want) {
		t.Errorf("tagged is %v, want %v", left, want)
	}
}
