package source

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFetch_GivesTheFilesOfTheBranchOverEveryWay(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	if err := os.WriteFile(filepath.Join(r.dir, "run.sh"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("lib/a.py", filepath.Join(r.dir, "link.py")); err != nil {
		t.Fatal(err)
	}
	r.commit("zeroth", "lib/a.py", "print(1)\n", "README", strings.Repeat("text\n", 2000), "big", strings.Repeat("x", 3<<20))
	first := r.commit("first\n\nbody", "README", strings.Repeat("text\n", 2000)+"more", "copy", strings.Repeat("text\n", 2001))
	packed := repo{t, filepath.Join(dir, "packed.git")}
	r.git("clone", "-q", "--bare", r.dir, packed.dir)
	packed.git("repack", "-adfq", "--depth=50")
	v2, v0, tls := serveGit(t, dir, false), serveGit(t, dir, false), serveGit(t, dir, true)
	v0.old = true
	for way, url := range map[string]string{
		"http, version 2": v2.URL + "/web/.git", "http, version 0": v0.URL + "/web/.git", "https": tls.URL + "/web/.git", "file": "file://" + r.dir,
		"file, packed": "file://" + packed.dir, "file, by a shorter name": "file://" + strings.TrimSuffix(packed.dir, ".git"),
	} {
		t.Run(way, func(t *testing.T) {
			f := newFetcher(t, Config{FileRoots: []string{"/"}}, tls)
			c := fetch(t, f, Remote{URL: url, Branch: "main"})
			if c.Commit.ID != first || c.Commit.Subject != "first" || c.Commit.Author != "Ada" || !c.Commit.At.Equal(time.Unix(1700000000, 0)) {
				t.Errorf("the commit is %+v", c.Commit)
			}
			if want := r.git("rev-parse", "HEAD^{tree}"); c.Tree != want {
				t.Errorf("the tree is %s, want %s", c.Tree, want)
			}
			sameAsGit(t, c, r)
		})
	}
}

// sameAsGit compares a checkout with the working tree that git has.
func sameAsGit(t *testing.T, c Checkout, r repo) {
	t.Helper()
	list, err := os.ReadDir(c.Dir)
	if err != nil || len(list) != 1 || list[0].Name() != "app" {
		t.Fatalf("the directory holds %v, %v", list, err)
	}
	got, want := describe(t, filepath.Join(c.Dir, "app")), describe(t, r.dir)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	err = filepath.WalkDir(filepath.Join(c.Dir, "app"), func(path string, e fs.DirEntry, err error) error {
		info, _ := e.Info()
		if !info.ModTime().Equal(c.Commit.At) {
			t.Errorf("%s is of %v, not of %v", path, info.ModTime(), c.Commit.At)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func describe(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.Name() == ".git" {
			if e.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		info, _ := e.Info()
		rel, _ := filepath.Rel(root, path)
		text := ""
		switch {
		case info.Mode().IsRegular():
			all, _ := os.ReadFile(path)
			text = fmt.Sprintf("%d %x", len(all), all[:min(len(all), 20)])
		case info.Mode()&fs.ModeSymlink != 0:
			text, _ = os.Readlink(path)
		}
		fmt.Fprintln(&b, rel, info.Mode(), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFetch_AsksOnceWhenNothingChanged(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	r.commit("first", "a", "1")
	for _, old := range []bool{false, true} {
		s := serveGit(t, dir, false)
		s.old = old
		f := newFetcher(t, Config{})
		remote := Remote{URL: s.URL + "/web/.git", Branch: "main"}
		first := fetch(t, f, remote)
		s.asked.Store(0)
		second := fetch(t, f, remote)
		asked := int32(2) // version 2 says what it can do before it says what it has
		if old {
			asked = 1
		}
		if n := s.asked.Load(); n != asked || second.Dir != first.Dir || second.Tree != first.Tree || second.Commit != first.Commit {
			t.Errorf("%d requests, and %+v after %+v", n, second, first)
		}
	}
}

func TestFetch_OfASecondPushBringsLittle(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	noise := make([]byte, 2<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 3 * (i >> 9))
	}
	r.commit("first", "noise", string(noise), "a", "1")
	for _, old := range []bool{false, true} {
		s := serveGit(t, dir, false)
		s.old = old
		f := newFetcher(t, Config{})
		remote := Remote{URL: s.URL + "/web/.git", Branch: "main"}
		fetch(t, f, remote)
		cold := s.sent.Load()
		for i := range 3 {
			r.commit("more", "a", fmt.Sprint(old, i))
			s.sent.Store(0)
			c := fetch(t, f, remote)
			if n := s.sent.Load(); n > 3000 || n > cold/4 {
				t.Errorf("%d bytes were sent, after %d for the first", n, cold)
			}
			if got := read(t, c, "a"); got != fmt.Sprint(old, i) {
				t.Errorf("a is %q", got)
			}
			sameAsGit(t, c, r)
		}
		m := repo{t, filepath.Join(f.cfg.Dir, "mirrors", "service", must(parseAddress(remote.URL)).key())}
		if out := m.git("fsck", "--no-dangling"); strings.Contains(out, "error") || strings.Contains(out, "missing") {
			t.Errorf("git says of the mirror: %s", out)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestCheckout_GivesACommitThatTheBranchHasLeft(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	first := r.commit("first", "a", "1")
	second := r.commit("second", "a", "2")
	r.commit("third", "a", "3")
	for _, old := range []bool{false, true} {
		s := serveGit(t, dir, false)
		s.old = old
		f := newFetcher(t, Config{})
		remote := Remote{URL: s.URL + "/web/.git", Branch: "main"}
		c, err := f.Checkout(t.Context(), "service", remote, second)
		if err != nil || c.Commit.ID != second || read(t, c, "a") != "2" {
			t.Fatalf("old %v: %+v, %v", old, c, err)
		}
		if c, err = f.Checkout(t.Context(), "service", remote, first); err != nil || read(t, c, "a") != "1" {
			t.Fatalf("old %v: %+v, %v", old, c, err)
		}
		s.asked.Store(0)
		if _, err := f.Checkout(t.Context(), "service", remote, second); err != nil || s.asked.Load() != 0 {
			t.Errorf("the server was asked %d times for what is here: %v", s.asked.Load(), err)
		}
		gone := strings.Repeat("ab", 20)
		_, err = f.Checkout(t.Context(), "service", remote, gone)
		refused(t, err, gone, "not on the branch main")
	}
}
