package gitserver_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apron/gitserver"
)

func packs(t *testing.T, w *world, repository string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(w.dir, owner, repository+".git/objects/pack/*.pack"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

func keepAll(string, string) bool { return true }

func TestPrune_DropsWhatNothingLeadsTo(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	first := c.commit("a", "1")
	c.git("push", "-q", w.url("OWNER", "web-app"), "main")
	gone := c.commit("secret", strings.Repeat("hunter2 ", 1000))
	c.git("push", "-q", w.url("OWNER", "web-app"), "main")
	c.git("reset", "-q", "--hard", first)
	next := c.commit("a", "2")
	c.git("push", "-q", "--force", w.url("OWNER", "web-app"), "main")

	if freed, err := w.Prune(t.Context(), keepAll, time.Hour); err != nil || freed != 0 || packs(t, w, "web-app") != 3 {
		t.Errorf("a repository that was just pushed to: freed %d, %v", freed, err)
	}
	freed, err := w.Prune(t.Context(), keepAll, 0)
	if err != nil || freed <= 0 || packs(t, w, "web-app") != 1 {
		t.Errorf("freed %d, %v; %d packs are left", freed, err, packs(t, w, "web-app"))
	}
	w.sound("web-app")
	dir, _ := w.Local(owner, "http://"+w.cfg.Hosts[0]+"/git/web-app")
	(checkout{t, dir}).fails("", "-c", "safe.directory=*", "cat-file", "-e", gone)
	c.git("clone", "-q", w.url("OWNER", "web-app"), "copy")
	if got := (checkout{t, filepath.Join(c.dir, "copy")}).git("log", "--format=%H"); got != next+"\n"+first {
		t.Errorf("the clone has %s", got)
	}
	if freed, err := w.Prune(t.Context(), keepAll, 0); err != nil || freed != 0 {
		t.Errorf("once more: freed %d, %v", freed, err)
	}
}

func TestPrune_RemovesRepositoriesThatNobodyKeeps(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	c.commit("a", "1")
	for _, name := range []string{"kept", "left"} {
		c.git("push", "-q", w.url("OWNER", name), "main")
	}
	keep := func(account, repository string) bool { return account == owner && repository == "kept" }
	if freed, err := w.Prune(t.Context(), keep, time.Hour); err != nil || freed != 0 {
		t.Errorf("freed %d, %v of what was just pushed", freed, err)
	}
	if freed, err := w.Prune(t.Context(), keep, 0); err != nil || freed <= 0 {
		t.Errorf("freed %d, %v", freed, err)
	}
	if w.head("kept", "main") == "" || w.head("left", "main") != "" {
		t.Error("the wrong repository is gone")
	}
	c.fails("there is no repository left", "ls-remote", w.url("OWNER", "left"))
	c.git("push", "-q", w.url("OWNER", "left"), "main")
	if w.head("left", "main") != c.git("rev-parse", "main") {
		t.Error("a push after it did not make it anew")
	}
}

func TestServeHTTP_SaysThatThereIsNoLFS(t *testing.T) {
	w := newWorld(t)
	resp, err := http.Post(w.http.URL+"/git/web-app.git/info/lfs/objects/batch", "application/vnd.git-lfs+json", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Message string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusNotImplemented || !strings.Contains(answer.Message, "apron up") {
		t.Errorf("git lfs is answered %d %+v, %v", resp.StatusCode, answer, err)
	}
}

func TestLocal_KnowsItsOwnURLs(t *testing.T) {
	w := newWorld(t, func(cfg *gitserver.Config) { cfg.Hosts = []string{"127.0.0.1:4080", "localhost:4080"} })
	want := filepath.Join(w.dir, owner, "web-app.git")
	for url, want := range map[string]string{
		"http://127.0.0.1:4080/git/web-app": want, "https://localhost:4080/git/web-app.git": want, "http://127.0.0.1:4080/git/web-app/": want,
		"http://127.0.0.1:4081/git/web-app": want, "http://localhost/git/web-app": want, "https://127.0.0.1:4081/git/web-app": "", "http://127.0.0.2:4080/git/web-app": "",
		"http://127.0.0.1:4080/git/": "", "http://127.0.0.1:4080/git/../x": "", "http://127.0.0.1:4080/git/a/b": "",
		"ssh://127.0.0.1:4080/git/web-app": "", "http://127.0.0.1:4080/git/web-app?x=y": "", "http://u:secret@127.0.0.1:4080/git/web-app": "",
	} {
		if got, ok := w.Local(owner, url); got != want || ok != (want != "") {
			t.Errorf("%s is %q, %t, want %q", url, got, ok, want)
		}
	}
	if _, ok := w.Local("../x", "http://127.0.0.1:4080/git/web-app"); ok {
		t.Error("a path passes for an account")
	}
}
