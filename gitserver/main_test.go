package gitserver_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"apron/gitserver"
)

const (
	owner   = "111122223333"
	another = "444455556666"
)

// world is a server with real HTTP around it, and two accounts.
type world struct {
	testing.TB
	dir string
	cfg gitserver.Config
	*gitserver.Server
	http *httptest.Server

	mu     sync.Mutex
	pushed []string
}

var accounts = map[string]gitserver.Access{
	"OWNER": {Account: owner}, "READER": {Account: owner, ReadOnly: true}, "OTHER": {Account: another},
}

func newWorld(t testing.TB, change ...func(*gitserver.Config)) *world {
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("the tests need git as the client: .ci/deps git")
	}
	w := &world{TB: t, dir: t.TempDir()}
	w.cfg = gitserver.Config{
		Dir: w.dir, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Login: func(_ context.Context, user, password string) (gitserver.Access, bool, error) {
			access, ok := accounts[user]
			return access, ok && password == "secret", nil
		},
		Pushed: func(_ context.Context, account, repository, branch, old, new string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.pushed = append(w.pushed, strings.Join([]string{account, repository, branch, old, new}, " "))
		},
	}
	w.http = httptest.NewUnstartedServer(nil)
	w.cfg.Hosts = []string{w.http.Listener.Addr().String()}
	for _, f := range change {
		f(&w.cfg)
	}
	w.open()
	w.http.Start()
	t.Cleanup(w.http.Close)
	return w
}

// open makes the server, as after a start of the program.
func (w *world) open() {
	w.Helper()
	s, err := gitserver.New(w.cfg)
	if err != nil {
		w.Fatal(err)
	}
	w.Server, w.http.Config.Handler = s, s
}

// url is a repository's as the user sees it.
func (w *world) url(user, repository string) string {
	return fmt.Sprintf("http://%s@%s/git/%s", url.UserPassword(user, "secret"), w.http.Listener.Addr(), repository)
}

// checkout is a working tree with a repository, and nothing of the machine's own git configuration.
type checkout struct {
	testing.TB
	dir string
}

func newCheckout(t testing.TB) checkout {
	c := checkout{t, t.TempDir()}
	c.git("init", "-q", "-b", "main")
	return c
}

func (c checkout) command(args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com")
	return cmd
}

// git runs git, which must succeed, and returns what it prints.
func (c checkout) git(args ...string) string {
	c.Helper()
	out, err := c.command(args...).CombinedOutput()
	if err != nil {
		c.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// fails runs git, which must fail, with the text on the screen.
func (c checkout) fails(want string, args ...string) string {
	c.Helper()
	out, err := c.command(args...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), want) {
		c.Fatalf("git %s: %v, want a failure with %q\n%s", strings.Join(args, " "), err, want, out)
	}
	return string(out)
}

func (c checkout) write(name, text string) {
	c.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		c.Fatal(err)
	}
}

// commit commits a file and returns the commit's id.
func (c checkout) commit(name, text string) string {
	c.Helper()
	c.write(name, text)
	c.git("add", "-A")
	c.git("commit", "-q", "-m", "change "+name)
	return c.git("rev-parse", "HEAD")
}

// head is what the server has for a branch.
func (w *world) head(repository, branch string) string {
	w.Helper()
	head, err := w.Head(owner, repository, branch)
	if err != nil {
		w.Fatal(err)
	}
	return head
}

// sound lets git itself look at the repository on disk.
func (w *world) sound(repository string) {
	w.Helper()
	dir, ok := w.Local(owner, "http://"+w.cfg.Hosts[0]+"/git/"+repository)
	if !ok {
		w.Fatalf("%s is none of the server's", repository)
	}
	c := checkout{w, dir}
	c.git("-c", "safe.directory=*", "fsck", "--strict", "--no-dangling")
	if left, _ := filepath.Glob(filepath.Join(dir, "incoming-*")); len(left) > 0 {
		w.Errorf("left behind: %v", left)
	}
}
