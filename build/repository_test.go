//go:build linux && cgo

package build_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"apron/build/source"
)

// files are a repository's, by path; a value that begins with "-> " is a link.
type files map[string]string

// with adds to them.
func (f files) with(more files) files {
	all := maps.Clone(f)
	maps.Copy(all, more)
	return all
}

var commitTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// checkout is a commit with these files, as package source hands it over.
func checkout(t testing.TB, f files) source.Checkout {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "app"), 0o755); err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(f)) {
		fmt.Fprintf(hash, "%q %q\n", name, f[name])
		write(t, filepath.Join(dir, "app", name), f[name])
	}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.Type() == os.ModeSymlink {
			return err
		}
		return os.Chtimes(path, commitTime, commitTime)
	})
	if err != nil {
		t.Fatal(err)
	}
	tree := hex.EncodeToString(hash.Sum(nil))
	return source.Checkout{Dir: dir, Tree: tree, Commit: source.Commit{ID: tree[:40], Subject: "a commit", At: commitTime}}
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if target, ok := strings.CutPrefix(content, "-> "); ok {
		err = os.Symlink(target, path)
	} else {
		err = os.WriteFile(path, []byte(content), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// yaml is an apprunner.yaml of a revised runtime with these lists of commands, each by its stage's name.
func yaml(runtime string, stages map[string][]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1.0\nruntime: %s\nbuild:\n  commands:\n", runtime)
	list := func(name, indent string) {
		if len(stages[name]) == 0 {
			return
		}
		fmt.Fprintf(&b, "%s%s:\n", indent, name)
		for _, c := range stages[name] {
			fmt.Fprintf(&b, "%s  - %q\n", indent, c)
		}
	}
	if len(stages["build"]) == 0 {
		b.WriteString("    build: []\n")
	}
	for _, name := range []string{"pre-build", "build", "post-build"} {
		list(name, "    ")
	}
	fmt.Fprintf(&b, "  env:\n    - {name: BUILD_ONLY, value: for-the-build}\n    - {name: NPM_TOKEN, value: s3cr3t-value}\n")
	b.WriteString("run:\n  command: cat /app/started\n  env:\n    - {name: RUN_ONLY, value: for-the-program}\n")
	list("pre-run", "  ")
	return b.String()
}

const (
	revised  = "python311"
	original = "go1"
)
