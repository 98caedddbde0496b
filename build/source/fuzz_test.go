package source

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzSubmodules(f *testing.F) {
	f.Add("[submodule \"a\"]\n\tpath = a\n\turl = ../a\n")
	f.Add("[submodule \"a\\\"b\"]\n\tpath = \"a b\" ; x\n\turl = https://a/b#c\n")
	f.Fuzz(func(t *testing.T, text string) {
		urls, err := parseModules([]byte(text))
		for path, url := range urls {
			if err != nil || path == "" || url == "" {
				t.Errorf("%q: %q with %v", path, url, err)
			}
		}
	})
}

func FuzzScanPack(f *testing.F) {
	f.Add(packOf(1, [2]string{header(3, 5), "hello"}))
	f.Add(packOf(2, [2]string{header(3, 5), "hello"}, [2]string{header(6, 7) + "\x0e", "\x05\x05\x90\x05"}))
	f.Add(packOf(1, [2]string{header(7, 4) + strings.Repeat("b", 20), "\x05\x05\x90\x05"}))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, pack []byte) {
		file, err := os.CreateTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.Remove(file.Name())
		defer file.Close()
		limits := packLimits{sent: 1 << 16, objects: 100, inflated: 1 << 20, whole: 1 << 18}
		entries, sum, err := scanPack(bytes.NewReader(pack), file, limits)
		if err != nil {
			return
		}
		here := openObjects(dir)
		defer here.close()
		if entries, sum, err = complete(t.Context(), file, entries, sum, here); err != nil {
			return
		}
		if _, _, err := indexOf(entries, sum); err != nil {
			t.Errorf("a pack that was taken has no index: %v", err)
		}
	})
}

func FuzzParseObjects(f *testing.F) {
	f.Add([]byte("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nhi"))
	f.Add([]byte("100644 a\x00abcdefghijklmnopqrst40000 b\x00abcdefghijklmnopqrst"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, err := parseCommit(text); err == nil && (strings.ContainsAny(c.Subject+c.Author, "\n\x1b\x00") || len([]rune(c.Subject)) > 200) {
			t.Errorf("%q, %q", c.Subject, c.Author)
		}
		if list, err := parseTree(text); err == nil && len(list) > len(text)/22 {
			t.Errorf("%d entries of %d bytes", len(list), len(text))
		}
	})
}

// What follow takes for inside, the kernel and os.Root must not find outside.
func FuzzFollow(f *testing.F) {
	dir := f.TempDir()
	links := map[string]string{"l": "a/..", "a/m": "../l", "a/b/n": "../../l/a/b/..", "r": "r", "d": "a/none/../b"}
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o755); err != nil {
		f.Fatal(err)
	}
	for path, target := range links {
		if err := os.Symlink(target, filepath.Join(dir, path)); err != nil {
			f.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint8(2), "../../x")
	f.Add(uint8(0), "l/a/m/l/d/../../..")
	f.Fuzz(func(t *testing.T, where uint8, target string) {
		at := []string{".", "a", "a/b"}[where%3]
		hops := 0
		if _, ok := (&plan{targets: links}).follow(parents(at), target, &hops); !ok {
			return
		}
		name := filepath.Join(at, fmt.Sprint("x", os.Getpid()))
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			return // no target that a link can have
		}
		defer os.Remove(filepath.Join(dir, name))
		if _, err := root.Stat(name); err != nil && strings.Contains(err.Error(), "escapes") {
			t.Errorf("%q in %q is inside, but %v", target, at, err)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"https://host/a", "git@host:a", "ssh://[::1]:22/a", "file:///a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := parseAddress(raw)
		if err != nil {
			return
		}
		if strings.ContainsAny(a.String(), "\n\x00\x1b") || a.scheme != "file" && (a.host == "" || a.port == "") || strings.HasPrefix(a.path, "-") {
			t.Errorf("%q became %+v", raw, a)
		}
		_ = filepath.Base(a.key())
	})
}
