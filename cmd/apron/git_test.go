package main_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
)

// workingTree is a repository of a user's, and what runs git in it with nothing of the machine's own configuration.
type workingTree struct {
	*world
	dir string
}

func (w *world) workingTree() workingTree {
	w.Helper()
	c := workingTree{w, w.TempDir()}
	c.git("init", "-q", "-b", "main")
	return c
}

func (c workingTree) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.Context(), "git", args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com")
	return cmd
}

func (c workingTree) git(args ...string) string {
	c.Helper()
	out, err := c.command(args...).CombinedOutput()
	if err != nil {
		c.Fatalf("git %s: %v\n%s\n%s", strings.Join(args, " "), err, out, c.platform.Log())
	}
	return strings.TrimSpace(string(out))
}

func (c workingTree) commit(text string) string {
	c.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, "file"), []byte(text), 0o644); err != nil {
		c.Fatal(err)
	}
	c.git("add", "-A")
	c.git("commit", "-q", "-m", "change")
	return c.git("rev-parse", "HEAD")
}

// remote is the repository's URL with the directory's first key in it.
func (w *world) remote(name string) string {
	key := w.platform.Env
	return strings.Replace(w.platform.APIURL(), "://", "://"+url.UserPassword(key["AWS_ACCESS_KEY_ID"], key["AWS_SECRET_ACCESS_KEY"]).String()+"@", 1) + "/git/" + name
}

// bare is the one repository on the server's disk.
func (w *world) bare() string {
	found, _ := filepath.Glob(filepath.Join(w.data, "git", "*", "web-app.git"))
	if len(found) != 1 {
		w.Fatalf("the repositories are %v, want one", found)
	}
	return found[0]
}

// TestGitPush_SurvivesAKill kills the server at any moment of a push: the branch is where it was or where it was to go, and
// the repository is whole.
func TestGitPush_SurvivesAKill(t *testing.T) {
	w := &world{T: t, data: filepath.Join(t.TempDir(), "data")}
	w.start()
	t.Cleanup(w.stop)
	c := w.workingTree()
	before := c.commit("first")
	c.git("push", "-q", w.remote("web-app"), "main")
	moved, rnd := 0, rand.New(rand.NewPCG(1, 0))
	for round := range 12 {
		next := c.commit(strings.Repeat(fmt.Sprint(round, rnd.Uint64()), 50_000))
		push := c.command("push", "-q", w.remote("web-app"), "main")
		if err := push.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rnd.Int64N(int64(150 * time.Millisecond))))
		if err := w.platform.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = push.Wait() // it may have been done before the kill
		w.start()
		bare := workingTree{w, w.bare()}
		bare.git("-c", "safe.directory=*", "fsck", "--strict", "--no-dangling")
		if left, _ := filepath.Glob(filepath.Join(bare.dir, "incoming-*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		switch now := strings.Fields(c.git("ls-remote", w.remote("web-app"), "main"))[0]; now {
		case next:
			moved++
		case before:
			c.git("push", "-q", w.remote("web-app"), "main")
		default:
			t.Fatalf("main is %s, neither %s nor %s", now, before, next)
		}
		before = next
	}
	t.Logf("%d of 12 pushes were through before the kill", moved)
}

// TestGitPush_ToAServerOnAnotherPort reaches the services that were made while it had the first one.
func TestGitPush_ToAServerOnAnotherPort(t *testing.T) {
	w := newSourceWorld(t, site("Hello"), nil)
	push := func() string {
		t.Helper()
		out, err := workingTree{w.world, w.repo.Dir}.command("push", w.remote("web-app"), "main").CombinedOutput()
		if err != nil {
			t.Fatalf("git push: %v\n%s", err, out)
		}
		return string(out)
	}
	push()
	first := w.platform.APIURL()
	w.do(w.createFrom(first + "/git/web-app"))
	w.holds(types.ServiceStatusRunning)

	w.stop()
	w.startServer()
	if w.platform.APIURL() == first {
		t.Fatal("the server has the port that it had")
	}
	w.push("Say good day", site("Good day"))
	if out := push(); !strings.Contains(out, "web-app") || strings.Contains(out, "No service uses") {
		t.Errorf("the push says\n%s", out)
	}
	w.do(deploy)
	w.greeting = "Good day"
	w.holds(types.ServiceStatusRunning)
}

// TestGitPush_ReadOnlyKeyMayCloneOnly holds that a key that may only read is no key to push with.
func TestGitPush_ReadOnlyKeyMayCloneOnly(t *testing.T) {
	w := &world{T: t, data: filepath.Join(t.TempDir(), "data")}
	w.start()
	t.Cleanup(w.stop)
	c := w.workingTree()
	c.commit("first")
	out, err := c.command("push", w.remote("web-app"), "main").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "remote: No service uses web-app yet") {
		t.Fatalf("push: %v\n%s", err, out)
	}
	key, err := exec.Command(programs.apron, "key", "create", "--read-only", "--data", w.data).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(key)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "export ")), "="); ok {
			w.platform.Env[name] = value
		}
	}
	c.git("ls-remote", w.remote("web-app"))
	c.commit("second")
	out, err = c.command("push", w.remote("web-app"), "main").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "this access key may only read") {
		t.Errorf("a push with a read-only key: %v\n%s", err, out)
	}
}
