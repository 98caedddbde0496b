package source

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withSubmodule makes a repository that has another one at lib, with that URL.
func withSubmodule(t *testing.T, dir, name string, sub repo, url string) repo {
	t.Helper()
	r := newRepo(t, dir, name)
	r.commit("first", "README", "super")
	r.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", sub.dir, "lib")
	r.git("config", "-f", ".gitmodules", "submodule.lib.url", url)
	r.commit("submodule")
	return r
}

func TestFetch_BringsSubmodules(t *testing.T) {
	dir := t.TempDir()
	inner := newRepo(t, dir, "inner")
	inner.commit("first", "deep", "1")
	lib := withSubmodule(t, dir, "lib", inner, "../../inner/.git")
	web := withSubmodule(t, dir, "web", lib, "../../lib/.git")
	web.git("-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init")
	lib.commit("later", "README", "moved on, so that the submodule's commit is no head")
	v2, tls := serveGit(t, dir, false), serveGit(t, dir, true)
	for way, url := range map[string]string{"http": v2.URL + "/web/.git", "https": tls.URL + "/web/.git", "file": "file://" + web.dir + "/.git"} {
		t.Run(way, func(t *testing.T) {
			f := newFetcher(t, Config{FileRoots: []string{"/"}}, tls)
			c := fetch(t, f, Remote{URL: url, Branch: "main"})
			if read(t, c, "README") != "super" || read(t, c, "lib/README") != "super" || read(t, c, "lib/lib/deep") != "1" {
				t.Error("files are missing")
			}
			if c.Tree == web.git("rev-parse", "HEAD^{tree}") || len(c.Tree) != 64 {
				t.Errorf("the tree %s says nothing of the submodules", c.Tree)
			}
			left, _ := filepath.Glob(filepath.Join(c.Dir, "app", "*", ".git"))
			if len(left) > 0 {
				t.Errorf("%s is there", left)
			}
		})
	}
}

func TestFetch_RefusesSubmodulesThatLeadElsewhere(t *testing.T) {
	dir := t.TempDir()
	sub := newRepo(t, dir, "sub")
	sub.commit("first", "secret", "1")
	other := serveGit(t, dir, false)
	for url, words := range map[string][]string{
		"file://" + sub.dir:                {"the submodule lib", "file://", "on the same server"},
		sub.dir:                            {"the submodule lib", "is no URL"},
		other.URL + "/sub/.git":            {"the submodule lib", "http://", "on the same server"},
		"http://example.com/x":             {"the submodule lib", "http://"},
		"git://example.com/x":              {"the submodule lib", "not over \"git\""},
		"ext::sh -c id":                    {"the submodule lib", "spaces"},
		"https://me:secret@example.com/x":  {"the submodule lib", "credential in it"},
		"ssh://-oProxyCommand=id/x":        {"the submodule lib"},
		"../../../../../../../../../etc/x": {"the submodule lib"},
	} {
		t.Run(url, func(t *testing.T) {
			r := withSubmodule(t, t.TempDir(), "web", sub, url)
			here := serveGit(t, filepath.Dir(r.dir), false)
			f := newFetcher(t, Config{FileRoots: []string{"/"}})
			fetchRefused(t, f, Remote{URL: here.URL + "/web/.git", Branch: "main"}, words...)
			if _, err := os.Stat(filepath.Join(f.cfg.Dir, "checkouts", "service")); err == nil {
				t.Error("a checkout was made")
			}
		})
	}
}

// What decides is the address that is connected to, not the name: the superproject's server is taken for a public one.
func TestDialer_KeepsARepositoryElsewhereOutOfThisNetwork(t *testing.T) {
	s := serveGit(t, t.TempDir(), false)
	at := must(parseAddress(s.URL + "/x"))
	f := newFetcher(t, Config{})
	for super, want := range map[zone]bool{public: false, private: false, loopback: true} {
		_, err := f.open(t.Context(), at, nil, f.dialer(at, super))
		e := f.explain(t.Context(), err, origin{at: at})
		if refusedByZone := strings.Contains(e.Error(), "must not make apron read"); refusedByZone == want {
			t.Errorf("from zone %d: %v", super, e)
		}
	}
	redirected := f.dialer(at, loopback)
	redirected.reached.Store(int32(public))
	redirected.stay()
	if _, err := redirected.dial(t.Context(), "tcp", at.hostPort()); err == nil || !strings.Contains(err.Error(), "must not make apron read") {
		t.Errorf("from a public server to this machine: %v", err)
	}
	if _, err := f.dialer(must(parseAddress("http://192.0.2.1/x")), loopback).dial(t.Context(), "tcp", "192.0.2.1:80"); err == nil || !strings.Contains(err.Error(), "use https") {
		t.Errorf("http to a public address: %v", err)
	}
}

func TestFetch_ShowsTheCredentialToItsOwnServerAlone(t *testing.T) {
	dir := t.TempDir()
	sub := newRepo(t, dir, "sub")
	sub.commit("first", "a", "1")
	theirs := serveGit(t, dir, true)
	theirs.override = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Header.Get("Authorization") != "" {
			t.Errorf("%s was shown %s", req.URL, req.Header.Get("Authorization"))
		}
		return false
	}
	r := withSubmodule(t, t.TempDir(), "web", sub, theirs.URL+"/sub/.git")
	ours := serveGit(t, filepath.Dir(r.dir), true)
	ours.login = "x-access-token:hunter2"
	f := newFetcher(t, Config{}, ours, theirs)
	c := fetch(t, f, Remote{URL: ours.URL + "/web/.git", Branch: "main", Credential: &Credential{Password: "hunter2"}})
	if read(t, c, "lib/a") != "1" {
		t.Error("the submodule is missing")
	}
}

func TestFetch_LimitsSubmodules(t *testing.T) {
	dir := t.TempDir()
	inner := newRepo(t, dir, "r0")
	inner.commit("first", "deep", "1")
	for i := range 6 {
		inner = withSubmodule(t, dir, fmt.Sprint("r", i+1), inner, fmt.Sprintf("../../r%d/.git", i))
	}
	s := serveGit(t, dir, false)
	f := newFetcher(t, Config{})
	fetchRefused(t, f, Remote{URL: s.URL + "/r6/.git", Branch: "main"}, "more than 4 deep", "lib/lib/lib/lib/lib")
}

func TestFetch_LeavesASubmoduleWithoutAnURLEmptyAndSaysSo(t *testing.T) {
	dir := t.TempDir()
	sub := newRepo(t, dir, "sub")
	sub.commit("first", "a", "1")
	r := withSubmodule(t, dir, "web", sub, "../../sub/.git")
	r.git("rm", "-q", "-f", "--cached", ".gitmodules")
	if err := os.Remove(filepath.Join(r.dir, ".gitmodules")); err != nil {
		t.Fatal(err)
	}
	r.git("commit", "-q", "-m", "no .gitmodules")
	f := newFetcher(t, Config{FileRoots: []string{"/"}})
	c := fetch(t, f, Remote{URL: "file://" + r.dir, Branch: "main"})
	if len(c.Notices) != 1 || !strings.Contains(c.Notices[0], "lib is a submodule") {
		t.Errorf("notices: %q", c.Notices)
	}
	if list, err := os.ReadDir(filepath.Join(c.Dir, "app", "lib")); err != nil || len(list) > 0 {
		t.Errorf("lib holds %v, %v", list, err)
	}
}

func TestRelativeURL_ResolvesAsGitDoes(t *testing.T) {
	for _, c := range [][3]string{
		{"https://host/a/b", "../c", "https://host/a/c"},
		{"https://host/a/b/", "./c", "https://host/a/b/c"},
		{"git@host:a/b", "../c", "git@host:a/c"},
		{"git@host:a", "../c", "git@host:c"},
		{"ssh://git@host/a/b.git", "../../x/c.git/", "ssh://git@host/x/c.git"},
		{"file:///srv/a", "../b", "file:///srv/b"},
	} {
		if got := relativeURL(c[0], c[1]); got != c[2] {
			t.Errorf("%s from %s is %s, want %s", c[1], c[0], got, c[2])
		}
	}
}
