package source

import (
	"fmt"
	"testing"
)

func TestTouches_LooksAtEveryCommitBetween(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	start := r.commit("start", "api/a", "1", "site/deep/b", "1", "file", "1")
	api := r.commit("api", "api/a", "2")
	back := r.commit("api back", "api/a", "1")
	site := r.commit("site", "site/deep/b", "2")
	r.git("checkout", "-q", "-b", "side", start)
	r.commit("side", "other", "1")
	r.git("checkout", "-q", "main")
	r.git("merge", "-q", "--no-edit", "side")
	merged := r.git("rev-parse", "HEAD")
	empty := r.commit("empty")
	r.git("checkout", "-q", "--orphan", "unrelated")
	unrelated := r.commit("unrelated", "api/a", "1")
	r.git("checkout", "-q", "main")
	v2, v0 := serveGit(t, dir, false), serveGit(t, dir, false)
	v0.old = true
	for way, url := range map[string]string{"http, version 2": v2.URL + "/web/.git", "http, version 0": v0.URL + "/web/.git", "file": "file://" + r.dir} {
		f := newFetcher(t, Config{FileRoots: []string{"/"}})
		for _, c := range []struct {
			from, to, dir string
			want          bool
		}{
			{start, api, "api", true},
			{start, api, "/site/", false},
			{start, back, "api", true}, // changed and changed back
			{api, site, "site/deep", true},
			{back, site, "api", false},
			{back, merged, "api", false},
			{site, merged, "site", false},
			{site, merged, "other", true},
			{start, merged, "none/at/all", false},
			{start, merged, "file", false},
			{merged, empty, "api", false},
			{merged, empty, "", true},
			{merged, merged, "", false},
			{merged, start, "api", true}, // backwards: unknown
			{start, unrelated, "api", true},
		} {
			got, err := f.Touches(t.Context(), "service", Remote{URL: url, Branch: "main"}, c.from, c.to, c.dir)
			if err != nil || got != c.want {
				t.Errorf("%s: %.7s..%.7s %q: %v, %v, want %v", way, c.from, c.to, c.dir, got, err, c.want)
			}
		}
		missing := "abababababababababababababababababababab"
		if got, err := f.Touches(t.Context(), "service", Remote{URL: url, Branch: "main"}, missing, merged, "api"); err != nil || !got {
			t.Errorf("%s: from a commit that is gone: %v, %v", way, got, err)
		}
	}
}

func TestTouches_LooksFartherBackOnce(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	start := r.commit("start", "api/a", "1", "b", "1")
	for i := range 70 {
		r.commit("more", "b", fmt.Sprint(i))
	}
	head := r.git("rev-parse", "HEAD")
	s := serveGit(t, dir, false)
	f := newFetcher(t, Config{})
	if got, err := f.Touches(t.Context(), "service", Remote{URL: s.URL + "/web/.git", Branch: "main"}, start, head, "api"); err != nil || got {
		t.Errorf("got %v, %v", got, err)
	}
}
