package worktree_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"apron/cli/worktree"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+os.Getenv("HOME"), "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func paths(t *testing.T, dir string) string {
	t.Helper()
	tree, err := worktree.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range tree.Files {
		names = append(names, f.Path)
	}
	return strings.Join(names, "\n")
}

var project = map[string]string{
	".gitignore": "*.log\n/build/\nnode_modules\n!keep.log\n", "app.py": "print(1)", "x.log": "no", "keep.log": "yes",
	"build/out": "no", "lib/build/in": "yes", "lib/node_modules/a/index.js": "no", "lib/.gitignore": "secret*\n!secret.example\n",
	"lib/secret.env": "no", "lib/secret.example": "yes", "secret.env": "yes", "lib/deep/secret.txt": "no", "dist/app.js": "no", "lib/.git/config": "no",
}

// TestOpen_HoldsWhatGitHolds asks git itself what belongs to the tree.
func TestOpen_HoldsWhatGitHolds(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	write(t, os.Getenv("HOME"), map[string]string{".gitconfig": "[core]\n\texcludesfile = ~/.ignore\n", ".ignore": "*.swp\n"})
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	write(t, dir, project)
	write(t, dir, map[string]string{".git/info/exclude": "dist/\n", "tracked.log": "yes", "dist/kept.js": "yes", "a.swp": "no", "new file": "yes"})
	if err := os.RemoveAll(filepath.Join(dir, "lib/.git")); err != nil { // git would take lib for a submodule
		t.Fatal(err)
	}
	git(t, dir, "add", "app.py")
	git(t, dir, "add", "-f", "tracked.log", "dist/kept.js")
	for _, at := range []string{".", "lib", "lib/deep/.."} {
		want := git(t, filepath.Join(dir, at), "-c", "core.quotepath=off", "ls-files", "--cached", "--others", "--exclude-standard")
		if got := paths(t, filepath.Join(dir, at)); sorted(got) != sorted(want) {
			t.Errorf("in %s it finds\n%s\n\ngit has\n%s", at, got, want)
		}
	}
	if tree, err := worktree.Open(dir); err != nil || !tree.Git {
		t.Errorf("%+v, %v is no git working tree", tree, err)
	}
	linked := filepath.Join(t.TempDir(), "second")
	git(t, dir, "commit", "-q", "-m", "x")
	git(t, dir, "worktree", "add", "-q", linked)
	write(t, linked, map[string]string{"dist/b.js": "no", "c": "yes"})
	want := git(t, linked, "ls-files", "--cached", "--others", "--exclude-standard")
	if got := paths(t, linked); sorted(got) != sorted(want) {
		t.Errorf("in a second working tree it finds\n%s\n\ngit has\n%s", got, want)
	}
}

func sorted(lines string) string {
	list := strings.Split(lines, "\n")
	for i := range list { // git and a walk sort directories differently
		for j := i; j > 0 && list[j-1] > list[j]; j-- {
			list[j-1], list[j] = list[j], list[j-1]
		}
	}
	return strings.Join(list, "\n")
}

func TestOpen_WithoutARepositoryReadsGitignoreToo(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	dir := t.TempDir()
	write(t, dir, project)
	want := ".gitignore\napp.py\ndist/app.js\nkeep.log\nlib/.gitignore\nlib/build/in\nlib/secret.example\nsecret.env"
	if got := paths(t, dir); got != want {
		t.Errorf("it finds\n%s\n\nwant\n%s", got, want)
	}
}

func TestOpen_RefusesALinkThatLeadsOut(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	for to, out := range map[string]bool{"../../etc/shadow": true, "/etc/shadow": true, "../app.py": false, "missing": false, "../..": true, "..": false} {
		dir := t.TempDir()
		write(t, dir, map[string]string{"app.py": "", "lib/x": ""})
		if err := os.Symlink(to, filepath.Join(dir, "lib/link")); err != nil {
			t.Fatal(err)
		}
		tree, err := worktree.Open(dir)
		if out && (err == nil || !strings.Contains(err.Error(), "lib/link is a link to "+to)) || !out && err != nil {
			t.Errorf("a link to %s: %v", to, err)
		}
		if !out && tree.Files[1].Link != to {
			t.Errorf("a link to %s is %+v", to, tree.Files[1])
		}
	}
}

func TestOpen_OfNothing(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	if _, err := worktree.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "holds no files to send") {
		t.Errorf("an empty directory: %v", err)
	}
	if _, err := worktree.Open(filepath.Join(t.TempDir(), "missing")); !os.IsNotExist(err) {
		t.Errorf("a missing directory: %v", err)
	}
}

func TestWrite(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	dir := t.TempDir()
	write(t, dir, map[string]string{"app.py": "print(1)", "bin/run": "#!/bin/sh"})
	if err := os.Chmod(filepath.Join(dir, "bin/run"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("app.py", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	tree, err := worktree.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	var done int64
	if err := tree.Write(t.Context(), &b, func(n int64) { done = n }); err != nil || done != tree.Bytes || done != 17 {
		t.Errorf("wrote %d bytes of %d, %v", done, tree.Bytes, err)
	}
	zr, err := zstd.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for in := tar.NewReader(zr); ; {
		head, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s %o %s%s\n", head.Name, head.Mode, text, head.Linkname)
	}
	if want := "app.py 644 print(1)\nbin/run 755 #!/bin/sh\nlink 644 app.py\n"; got.String() != want {
		t.Errorf("the tar holds\n%s\nwant\n%s", got.String(), want)
	}
	if err := os.Truncate(filepath.Join(dir, "app.py"), 1); err != nil {
		t.Fatal(err)
	}
	if err := tree.Write(t.Context(), io.Discard, func(int64) {}); err == nil || !strings.Contains(err.Error(), "app.py became shorter") {
		t.Errorf("a file that shrinks: %v", err)
	}
}
