package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSub_StaysInsideTheCheckout(t *testing.T) {
	r := newRepo(t, t.TempDir(), "web")
	r.commit("first", "api/v1/a", "1", "file", "1")
	if err := errors.Join(os.Symlink("api/v1", filepath.Join(r.dir, "current")), os.Symlink("gone", filepath.Join(r.dir, "dangling"))); err != nil {
		t.Fatal(err)
	}
	r.commit("links")
	f := newFetcher(t, Config{FileRoots: []string{"/"}})
	c := fetch(t, f, Remote{URL: "file://" + r.dir, Branch: "main"})
	app := filepath.Join(c.Dir, "app")
	for directory, want := range map[string]string{"": app, "/": app, "api": app + "/api", "/api/v1/": app + "/api/v1", "./api": app + "/api", "current": app + "/api/v1"} {
		if got, err := c.Sub(directory); err != nil || got != want {
			t.Errorf("%q is %s, %v, want %s", directory, got, err, want)
		}
	}
	for directory, words := range map[string]string{"none": "no directory none", "file": "is a file", "../..": "upwards", "api/../..": "upwards", "dangling": "no directory dangling"} {
		_, err := c.Sub(directory)
		refused(t, err, words)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(c.Dir, link); err != nil {
		t.Fatal(err)
	}
	if got, err := (Checkout{Dir: link}).Sub("current"); err != nil || got != link+"/app/api/v1" {
		t.Errorf("below a link: %s, %v", got, err)
	}
	// What a build does to its checkout cannot lead apron out of it, either.
	if err := os.Symlink("/etc", filepath.Join(app, "etc")); err != nil {
		t.Fatal(err)
	}
	_, err := c.Sub("etc")
	refused(t, err, "cannot be followed inside")
}

func TestFetch_SaysWhichFilesAreInLFS(t *testing.T) {
	r := newRepo(t, t.TempDir(), "web")
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("ab", 32) + "\nsize 12345\n"
	r.commit("first", "a.bin", pointer, "b.bin", pointer, "c", "text", "d.bin", pointer, "e.bin", pointer)
	f := newFetcher(t, Config{FileRoots: []string{"/"}})
	for range 2 { // made, and found
		c := fetch(t, f, Remote{URL: "file://" + r.dir, Branch: "main"})
		if len(c.Notices) != 1 || !strings.Contains(c.Notices[0], "a.bin, b.bin, d.bin and 1 more") || read(t, c, "a.bin") != pointer {
			t.Errorf("notices: %q", c.Notices)
		}
	}
}

func TestFetch_ReadsBuiltInRepositoriesFromDisk(t *testing.T) {
	dir := t.TempDir()
	r, lib := newRepo(t, dir, "web"), newRepo(t, dir, "lib")
	lib.commit("first", "l", "1")
	r.commit("first", "a", "1")
	r.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", lib.dir, "lib")
	r.git("config", "-f", ".gitmodules", "submodule.lib.url", "../lib")
	head := r.commit("submodule")
	bare := filepath.Join(dir, "bare.git")
	r.git("clone", "-q", "--bare", r.dir, bare)
	f := newFetcher(t, Config{Local: func(account, url string) (string, bool) {
		name, ok := strings.CutPrefix(url, "http://127.0.0.1:1/git/")
		if !ok || account != "a" {
			return "", false
		}
		return map[string]string{"web": bare, "lib": filepath.Join(lib.dir, ".git")}[name], true
	}})
	remote := Remote{URL: "http://127.0.0.1:1/git/web", Branch: "main", Account: "a"}
	c := fetch(t, f, remote)
	if c.Commit.ID != head || read(t, c, "a") != "1" || read(t, c, "lib/l") != "1" {
		t.Errorf("got %+v", c)
	}
	remote.Account = "b"
	_, err := f.Fetch(t.Context(), "service", remote)
	refused(t, err, "nothing listens")
}

func TestFetch_FetchesADamagedMirrorAnew(t *testing.T) {
	r, _, f, remote := served(t)
	r.commit("first", "a", "1", "b", strings.Repeat("b", 1000))
	fetch(t, f, remote)
	packs, _ := filepath.Glob(filepath.Join(f.cfg.Dir, "mirrors/service/*/objects/pack/pack-*"))
	if len(packs) != 3 {
		t.Fatalf("the mirror has %v", packs)
	}
	for _, p := range packs {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
	head := r.commit("second", "a", "2")
	if c := fetch(t, f, remote); c.Commit.ID != head || read(t, c, "b") != strings.Repeat("b", 1000) {
		t.Errorf("got %+v", c.Commit)
	}
}

func TestFetch_BeginsAWornMirrorAnew(t *testing.T) {
	r, _, f, remote := served(t)
	r.commit("first", "a", "0")
	for i := range maxPacks + 3 {
		r.commit("more", "a", fmt.Sprint(i))
		if c := fetch(t, f, remote); read(t, c, "a") != fmt.Sprint(i) {
			t.Fatalf("a is %q at %d", read(t, c, "a"), i)
		}
	}
	if packs, _ := filepath.Glob(filepath.Join(f.cfg.Dir, "mirrors/service/*/objects/pack/*.pack")); len(packs) != 3 {
		t.Errorf("the mirror has %d packs", len(packs))
	}
}

// A server that gives the heads of branches alone has a mirror of its own for what they have left behind.
func TestCheckout_BeginsAWornMirrorOfTheWholeAnew(t *testing.T) {
	r, s, f, remote := served(t)
	s.override = func(w http.ResponseWriter, req *http.Request) bool {
		body, _ := io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
		if !bytes.Contains(body, []byte("deepen 1")) {
			return false
		}
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		const refusal = "ERR upload-pack: not our ref"
		fmt.Fprintf(w, "%04x%s", len(refusal)+4, refusal)
		return true
	}
	left := r.commit("first", "a", "0")
	for i := range maxPacks + 3 {
		next := r.commit("more", "a", fmt.Sprint(i+1))
		c, err := f.Checkout(t.Context(), "service", remote, left)
		if err != nil || read(t, c, "a") != fmt.Sprint(i) {
			t.Fatalf("%+v at %d: %v", c, i, err)
		}
		left = next
	}
	if packs, _ := filepath.Glob(filepath.Join(f.cfg.Dir, "mirrors/service/*-whole/objects/pack/*.pack")); len(packs) == 0 || len(packs) > maxPacks {
		t.Errorf("the mirror has %d packs", len(packs))
	}
}

// A server that cannot cut off history gives all of it.
func TestFetch_TakesTheHistoryThatComesWithIt(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	for i := range 5 {
		r.commit("more", "a", fmt.Sprint(i))
	}
	for _, old := range []bool{true, false} {
		s, plain := serveGit(t, dir, false), serveGit(t, dir, false)
		s.old, plain.old = old, old
		s.override = func(w http.ResponseWriter, req *http.Request) bool {
			rec := httptest.NewRecorder()
			plain.ServeHTTP(rec, req)
			w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
			w.WriteHeader(rec.Code)
			body := rec.Body.Bytes()
			if req.Method == http.MethodGet {
				body = bytes.ReplaceAll(body, []byte("shallow"), []byte("shallox"))
			}
			_, _ = w.Write(body)
			return true
		}
		f := newFetcher(t, Config{})
		remote := Remote{URL: s.URL + "/web/.git", Branch: "main"}
		for _, a := range []string{"4", "more"} {
			if a == "more" {
				r.commit("more", "a", a, "old", fmt.Sprint(old))
			}
			if c := fetch(t, f, remote); read(t, c, "a") != r.git("show", "HEAD:a") {
				t.Errorf("a is %q", read(t, c, "a"))
			}
		}
		m := repo{t, filepath.Join(f.cfg.Dir, "mirrors", "service", must(parseAddress(remote.URL)).key())}
		if n := m.git("rev-list", "--count", r.git("rev-parse", "HEAD")); n != r.git("rev-list", "--count", "HEAD") {
			t.Errorf("%s commits are there", n)
		}
	}
}

func TestFetch_OfOneServiceTakesTurns(t *testing.T) {
	r, _, f, remote := served(t)
	head := r.commit("first", "a", "1")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c, err := f.Fetch(t.Context(), fmt.Sprint("service", i%2), remote)
			if err != nil || c.Commit.ID != head {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
	wg.Wait()
}

func TestForgetAndRemove_TakeAwayWhatIsNotNeeded(t *testing.T) {
	r, s, f, remote := served(t)
	r.commit("first", "a", strings.Repeat("a", 50_000))
	for _, service := range []string{"kept", "forgotten"} {
		if _, err := f.Fetch(t.Context(), service, remote); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Forget("forgotten"), f.Forget("forgotten"), f.Forget("never-there")); err != nil {
		t.Error(err)
	}
	c := fetched(t, f, "kept", remote)
	list := kept(t, f)
	if len(list) != 2 || list[0].Mirror || !list[1].Mirror || list[0].Bytes < 50_000 || time.Since(list[0].Used) > time.Minute {
		t.Fatalf("of the two services there is %+v", list)
	}
	if freed, err := f.Remove(list[0]); err != nil || freed != list[0].Bytes {
		t.Errorf("freed %d, %v", freed, err)
	}
	s.asked.Store(0)
	if again, err := f.Checkout(t.Context(), "kept", remote, c.Commit.ID); err != nil || s.asked.Load() != 0 || again.Dir != c.Dir {
		t.Errorf("a checkout is not made again from the mirror: %+v, %v", again, err)
	}
	for _, k := range kept(t, f) {
		if _, err := f.Remove(k); err != nil {
			t.Error(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(f.cfg.Dir, "*/*")); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
	sameAsGit(t, fetched(t, f, "kept", remote), r)
	if err := f.Forget("../kept"); err == nil {
		t.Error("a path was taken for a service")
	}
}

// TestRemove_LeavesWhatWasUsedSinceItWasListed or is in use just now.
func TestRemove_LeavesWhatWasUsedSinceItWasListed(t *testing.T) {
	r, _, f, remote := served(t)
	r.commit("first", "a", "1")
	fetched(t, f, "web", remote)
	list := kept(t, f)
	fetched(t, f, "web", remote)
	c := list[0]
	if freed, err := f.Remove(c); err != nil || freed != 0 {
		t.Errorf("freed %d of a checkout that was used since, %v", freed, err)
	}
	unlock, err := f.lock(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	c.Used = f.used(c)
	if freed, err := f.Remove(c); err != nil || freed != 0 {
		t.Errorf("freed %d beside a fetch, %v", freed, err)
	}
	unlock()
	if freed, err := f.Remove(c); err != nil || freed == 0 {
		t.Errorf("freed %d of what nobody uses, %v", freed, err)
	}
}

func kept(t *testing.T, f *Fetcher) []Kept {
	t.Helper()
	list, err := f.Kept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// After a crash of the machine, files that were written last may be empty.
func TestCheckout_OfAnEarlierRunOfTheMachineIsMadeAgain(t *testing.T) {
	r, _, f, remote := served(t)
	r.commit("first", "a", "1")
	c := fetch(t, f, remote)
	if err := os.Truncate(filepath.Join(c.Dir, "app", "a"), 0); err != nil {
		t.Fatal(err)
	}
	f.boot = "another"
	if c := fetch(t, f, remote); read(t, c, "a") != "1" {
		t.Error("the empty file was taken")
	}
}

func TestNew_EmptiesWhatWasUnderWay(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tmp", "checkout-1", "it"), 0o755); err != nil {
		t.Fatal(err)
	}
	newFetcher(t, Config{Dir: dir})
	if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}
