package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFetch_RefusesNamesThatMeanGitOrLeadOut(t *testing.T) {
	for _, name := range []string{".git", ".GIT", ".Git ", ".git.", "git~1", "GIT~1", ".g\u200cit", "\u206a.git", ".git::$INDEX_ALLOCATION", `.git\config`, ".."} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := newRepo(t, dir, "web")
			blob := r.blob("x")
			tree := rawTree(r, "100644", name, blob)
			r.plant(rawTree(r, "40000", "sub", tree))
			f := newFetcher(t, Config{FileRoots: []string{"/"}})
			fetchRefused(t, f, Remote{URL: "file://" + r.dir, Branch: "main"}, fmt.Sprintf("%q", name), `"sub"`)
		})
	}
}

// rawTree writes a tree of triples of mode, name and id, which git mktree would check.
func rawTree(r repo, triples ...string) string {
	r.t.Helper()
	var b bytes.Buffer
	for i := 0; i < len(triples); i += 3 {
		fmt.Fprintf(&b, "%s %s\x00", triples[i], triples[i+1])
		id := must(parseHash(triples[i+2]))
		b.Write(id.Bytes())
	}
	return r.gitIn(b.String(), "hash-object", "-t", "tree", "-w", "--stdin", "--literally")
}

func TestFetch_RefusesLinksThatLeadOut(t *testing.T) {
	for name, c := range map[string]struct {
		links []string // path, target
		bad   string   // path of the one that is refused, "" if none
	}{
		"absolute":                     {[]string{"shadow", "/etc/shadow"}, "shadow"},
		"above":                        {[]string{"a/b/l", "../../../x"}, "a/b/l"},
		"above by way of a link":       {[]string{"a/deep", "../b/c/d", "l", "a/deep/../../../../x"}, "l"},
		"above by way of what is none": {[]string{"l", "none/../../x"}, "l"},
		"to a link that leads out":     {[]string{"l", "m", "m", "/etc/shadow"}, "m"},
		"inside":                       {[]string{"a/b/l", "../../README", "m", "a/b", "n", "m/../../README", "none", "missing/file"}, ""},
		"in a ring":                    {[]string{"a", "b", "b", "a/x"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t, t.TempDir(), "web")
			r.commit("first", "README", "x", "b/c/d/e", "x")
			for i := 0; i < len(c.links); i += 2 {
				path := filepath.Join(r.dir, c.links[i])
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.RemoveAll(path), os.Symlink(c.links[i+1], path)); err != nil {
					t.Fatal(err)
				}
			}
			r.commit("links")
			f := newFetcher(t, Config{FileRoots: []string{"/"}})
			remote := Remote{URL: "file://" + r.dir, Branch: "main"}
			if c.bad == "" {
				sameAsGit(t, fetch(t, f, remote), r)
				return
			}
			fetchRefused(t, f, remote, "symbolic link", "leads out of the repository")
		})
	}
}

func TestFetch_NamesTheLinkAndItsTarget(t *testing.T) {
	r := newRepo(t, t.TempDir(), "web")
	if err := os.Symlink("/etc/shadow", filepath.Join(r.dir, "config")); err != nil {
		t.Fatal(err)
	}
	r.commit("link")
	f := newFetcher(t, Config{FileRoots: []string{"/"}})
	fetchRefused(t, f, Remote{URL: "file://" + r.dir, Branch: "main"}, "symbolic link config to /etc/shadow")
}

func TestFetch_RefusesWhatOnlyPlumbingMakes(t *testing.T) {
	for name, c := range map[string]struct {
		tree  func(r repo) string
		words []string
	}{
		"a name twice":     {func(r repo) string { b := r.blob("x"); return rawTree(r, "120000", "a", b, "40000", "a", rawTree(r)) }, []string{"the name a twice"}},
		"a mode of no git": {func(r repo) string { return rawTree(r, "104755", "a", r.blob("x")) }, []string{"a with the mode 104755"}},
		"a long name":      {func(r repo) string { return rawTree(r, "100644", strings.Repeat("n", 256), r.blob("x")) }, []string{"256 bytes", "255"}},
		"a slash":          {func(r repo) string { return rawTree(r, "100644", "a/../../b", r.blob("x")) }, []string{`"a/../../b"`}},
		".gitmodules as a link": {func(r repo) string { return rawTree(r, "120000", ".gitmodules", r.blob("x")) },
			[]string{".gitmodules as a symbolic link"}},
		"a missing file":    {func(r repo) string { return rawTree(r, "100644", "a", strings.Repeat("ab", 20)) }, []string{"abababab", "missing", "git fsck"}},
		"a file for a tree": {func(r repo) string { return rawTree(r, "40000", "a", r.blob("x")) }, []string{"not whole"}},
		"a damaged tree": {func(r repo) string {
			return r.gitIn("nonsense", "hash-object", "-t", "tree", "-w", "--stdin", "--literally")
		}, []string{"cannot be read", "git fsck"}},
		"deep directories": {func(r repo) string {
			tree := rawTree(r, "100644", "a", r.blob("x"))
			for range 250 {
				tree = rawTree(r, "40000", "d", tree)
			}
			return tree
		}, []string{"more than 200 deep"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t, t.TempDir(), "web")
			r.plant(c.tree(r))
			f := newFetcher(t, Config{FileRoots: []string{"/"}})
			fetchRefused(t, f, Remote{URL: "file://" + r.dir, Branch: "main"}, c.words...)
		})
	}
}

// A bomb is a hundred objects that name a trillion files.
func TestFetch_StopsABombByCounting(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	tree := r.blob("boom")
	mode := "100644"
	for range 12 {
		var triples []string
		for i := range 10 {
			triples = append(triples, mode, fmt.Sprint("f", i), tree)
		}
		tree, mode = rawTree(r, triples...), "40000"
	}
	r.plant(tree)
	s := serveGit(t, dir, false)
	for _, url := range []string{"file://" + r.dir, s.URL + "/web/.git"} {
		f := newFetcher(t, Config{FileRoots: []string{"/"}})
		began := time.Now()
		fetchRefused(t, f, Remote{URL: url, Branch: "main"}, "more than 200000 files", "limit")
		if took := time.Since(began); took > time.Minute {
			t.Errorf("it took %v", took)
		}
	}
}

func TestFetch_StopsAtTheLimitOfBytes(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	noise := make([]byte, 6<<20)
	x := uint32(1)
	for i := range noise {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	r.commit("noise", "noise", string(noise))
	s := serveGit(t, dir, false)
	small := Config{FileRoots: []string{"/"}, Limits: Limits{Bytes: 1 << 20}}
	fetchRefused(t, newFetcher(t, small), Remote{URL: "file://" + r.dir, Branch: "main"}, "too large", "limit is 1 MiB")
	r.commit("noise like it", "other", string(noise)+"x")
	r.git("repack", "-adfq")
	fetchRefused(t, newFetcher(t, small), Remote{URL: "file://" + r.dir, Branch: "main"}, "too large", "limit is 1 MiB")
	fetchRefused(t, newFetcher(t, small), Remote{URL: s.URL + "/web/.git", Branch: "main"}, "too large", "limit is 1 MiB")
	if n := s.sent.Load(); n > 5<<20 {
		t.Errorf("%d bytes were sent to one that takes 1 MiB", n)
	}
}

// Ten times the same file costs a repository nothing, and a disk ten times as much.
func TestFetch_CountsWhatIsWrittenAndNotWhatIsStored(t *testing.T) {
	r := newRepo(t, t.TempDir(), "web")
	blob := r.blob(strings.Repeat("x", 200<<10))
	var triples []string
	for i := range 10 {
		triples = append(triples, "100644", fmt.Sprint("f", i), blob)
	}
	r.plant(rawTree(r, triples...))
	f := newFetcher(t, Config{FileRoots: []string{"/"}, Limits: Limits{Bytes: 1 << 20}})
	fetchRefused(t, f, Remote{URL: "file://" + r.dir, Branch: "main"}, "its files come to more", "f5", "limit is 1 MiB")
}

// A chain of differences that branches at each step would hold every step's object.
func TestComplete_HoldsFewObjectsAtATime(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	body := strings.Repeat("line of a file that changes a little\n", 5000)
	for i := range 60 {
		r.commit("more", "a", body+fmt.Sprint(i), "b", fmt.Sprint(i)+body)
	}
	r.git("repack", "-adfq", "--depth=50", "--window=20")
	s := serveGit(t, dir, false)
	f := newFetcher(t, Config{})
	j := must(f.begin(t.Context(), "service", Remote{URL: s.URL + "/web/.git", Branch: "main"}))
	defer j.end()
	session := must(j.session(t.Context()))
	m := must(openMirror(filepath.Join(t.TempDir(), "mirror")))
	head := must(session.branch(t.Context(), "main"))
	if err := m.fetch(t.Context(), session, tips(must(session.list(t.Context(), "refs/heads/")), "main"), 0, f.cfg.Limits); err != nil {
		t.Fatal(err)
	}
	out := repo{t, m.dir}.git("rev-list", "--objects", "--no-object-names", head.String())
	if n := len(strings.Fields(out)); n < 180 {
		t.Errorf("%d objects", n)
	}
	repo{t, m.dir}.git("fsck", "--full", "--strict")
}

func TestFetch_EndsWithItsTime(t *testing.T) {
	r := newRepo(t, t.TempDir(), "web")
	r.commit("first", "a", "1")
	s := serveGit(t, filepath.Dir(r.dir), false)
	stop := make(chan struct{})
	defer close(stop)
	s.override = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPost {
			return false
		}
		body, _ := io.ReadAll(req.Body)
		if bytes.Contains(body, []byte("ls-refs")) {
			req.Body = io.NopCloser(bytes.NewReader(body))
			return false
		}
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		_, _ = io.WriteString(w, "000dpackfile\n")
		for { // a keep-alive of the protocol, for ever
			_, _ = io.WriteString(w, "0006\x02.")
			w.(http.Flusher).Flush()
			select {
			case <-stop:
				return true
			case <-req.Context().Done():
				return true
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	f := newFetcher(t, Config{Limits: Limits{Time: 700 * time.Millisecond}})
	began := time.Now()
	fetchRefused(t, f, Remote{URL: s.URL + "/web/.git", Branch: "main"}, s.URL, "700ms")
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Fetch(ctx, "service", Remote{URL: s.URL + "/web/.git", Branch: "main"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v of a context that has ended", err)
	}
}

func TestFetch_TakesNoEndlessListOfBranches(t *testing.T) {
	s := serveGit(t, t.TempDir(), false)
	s.override = func(w http.ResponseWriter, req *http.Request) bool {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		_, _ = io.WriteString(w, "001e# service=git-upload-pack\n0000")
		line := strings.Repeat("ab", 20) + " refs/heads/" + strings.Repeat("x", 60000)
		_, err := fmt.Fprintf(w, "%04x%s\x00 shallow", len(line)+4+9, line)
		for err == nil {
			_, err = fmt.Fprintf(w, "%04x%s", len(line)+4, line)
		}
		return true
	}
	f := newFetcher(t, Config{})
	_, err := f.Head(t.Context(), Remote{URL: s.URL + "/web", Branch: "main"})
	refused(t, err, "broke off")
}

func TestFetch_TakesNoEndlessListBeforeAPack(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	r.commit("first", "a", "1")
	s := serveGit(t, dir, false)
	s.override = func(w http.ResponseWriter, req *http.Request) bool {
		body, _ := io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
		if !bytes.Contains(body, []byte("command=fetch")) {
			return false
		}
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		_, err := io.WriteString(w, "0011shallow-info\n")
		for err == nil {
			_, err = io.WriteString(w, "0034shallow "+strings.Repeat("ab", 20))
		}
		return true
	}
	fetchRefused(t, newFetcher(t, Config{}), Remote{URL: s.URL + "/web/.git", Branch: "main"}, "does not answer as git servers do", "before the pack")
}
