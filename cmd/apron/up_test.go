package main_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
)

// apron runs the program in the directory, on the world's platform, and returns what it prints on both outputs.
func (w *world) apron(dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(w.Context(), programs.apron, args...)
	cmd.Dir = dir
	cmd.Env = w.onThisMachine(dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// onThisMachine is an environment in which the world's server is found by its directory alone.
func (w *world) onThisMachine(home string) []string {
	env := slices.DeleteFunc(os.Environ(), func(text string) bool { return strings.HasPrefix(text, "AWS_") })
	return append(env, "APRON_DATA="+w.data, "HOME="+home)
}

// up deploys the directory, and wants these parts in what is printed.
func (w *world) up(dir string, parts ...string) {
	w.Helper()
	out, err := w.apron(dir, "up")
	if err != nil {
		w.Fatalf("apron up: %v\n%s\n%s", err, out, w.platform.Log())
	}
	for _, part := range parts {
		if !strings.Contains(out, part) {
			w.Errorf("apron up printed no %q:\n%s", part, out)
		}
	}
}

// TestUp_BuildsAndRunsADirectory is `apron up` without any repository, and `git push` to the same service after it.
func TestUp_BuildsAndRunsADirectory(t *testing.T) {
	w := newSourceWorld(t, site("Begin"), nil)
	dir := filepath.Join(t.TempDir(), "web-app")
	put := func(files map[string]string) {
		t.Helper()
		for name, text := range files {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	broken := map[string]string{"apprunner.yaml": strings.Replace(siteFile, "mkdir -p site", "echo no such luck; exit 3", 1)}
	put(site("Hello"))
	put(broken)
	put(map[string]string{".gitignore": "secret\n", "secret": "hunter2"})
	if out, err := w.apron(dir, "up"); err == nil || !strings.Contains(out, "no such luck") || !strings.Contains(out, "creating web-app failed") {
		t.Errorf("a create whose build fails: %v\n%s", err, out)
	}
	put(site("Hello"))
	w.up(dir, "sending 3 files", "[AppRunner] Running build command: mkdir -p site\n", "web-app is RUNNING at http://")
	w.find()
	w.holds(types.ServiceStatusRunning)

	w.up(dir, "nothing has changed since the last deployment")
	put(site("Good day"))
	w.up(dir, "deploying web-app", "web-app is RUNNING at http://")
	w.greeting = "Good day"
	w.holds(types.ServiceStatusRunning)

	put(broken)
	out, err := w.apron(dir, "up")
	if ended, ok := err.(*exec.ExitError); !ok || ended.ExitCode() != 3 || !strings.Contains(out, "no such luck") || !strings.Contains(out, "the version before goes on serving") {
		t.Errorf("a build that fails: %v\n%s", err, out)
	}
	w.holds(types.ServiceStatusRunning)
	w.pushTo(dir)
}

// pushTo clones what `apron up` has sent, and pushes a change of it with git, which gets its key from apron.
func (w *sourceWorld) pushTo(dir string) {
	w.Helper()
	c := workingTree{w.world, dir}
	c.git("init", "-q", "-b", "main")
	if out, err := w.apron(dir, "remote", "--add"); err != nil || !strings.Contains(out, "`git push apron main` pushes to "+w.platform.APIURL()+"/git/web-app") {
		w.Fatalf("apron remote --add: %v\n%s", err, out)
	}
	git := func(args ...string) string {
		w.Helper()
		cmd := c.command(args...)
		cmd.Env = append(cmd.Env, w.onThisMachine(dir)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			w.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	git("fetch", "-q", "apron")
	if tracked := git("ls-tree", "--name-only", "apron/main"); strings.Contains(tracked, "secret") {
		w.Errorf("what git ignores was sent:\n%s", tracked)
	}
	git("reset", "-q", "--hard", "apron/main~1")
	for name, text := range site("Good evening") {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			w.Fatal(err)
		}
	}
	git("commit", "-q", "-a", "-m", "Say good evening")
	commit := strings.TrimSpace(git("rev-parse", "HEAD"))
	if out := git("push", "-f", "apron", "main"); !strings.Contains(out, "remote: Commit "+commit[:7]+" goes to web-app") {
		w.Errorf("the push says\n%s", out)
	}
	w.greeting = "Good evening"
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, body, _ := w.get("/"); strings.HasPrefix(body, w.greeting) {
			break
		}
	}
	w.answers(http.StatusOK)
	w.ends(types.OperationStatusSucceeded)
	w.wantCommits(commit+" Say good evening", "", "")
}
