package source

import (
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// repo is a repository that the real git made.
type repo struct {
	t   testing.TB
	dir string
}

// newRepo makes a repository with the branch main, below parent with that name.
func newRepo(t testing.TB, parent, name string) repo {
	t.Helper()
	r := repo{t, filepath.Join(parent, name)}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r.git("init", "-q", "-b", "main")
	return r
}

func (r repo) git(args ...string) string {
	r.t.Helper()
	return r.gitIn("", args...)
}

func (r repo) gitIn(in string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Stdin = strings.NewReader(in)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com", "GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000",
		"GIT_ALLOW_PROTOCOL=file:http:https:ssh")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files, given as path and content in turn, and gives the commit's id.
func (r repo) commit(message string, files ...string) string {
	r.t.Helper()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(r.dir, files[i])
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(files[i+1]), 0o644)); err != nil {
			r.t.Fatal(err)
		}
	}
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", message)
	return r.git("rev-parse", "HEAD")
}

// plant makes main a commit of a tree that is made by plumbing: what git add would refuse.
func (r repo) plant(tree string) string {
	r.t.Helper()
	id := r.git("commit-tree", "-m", "planted", tree)
	r.git("update-ref", "refs/heads/main", id)
	return id
}

func (r repo) blob(content string) string {
	r.t.Helper()
	return r.gitIn(content, "hash-object", "-w", "--stdin")
}

// gitServer is git's own server over http, below it every repository of a directory.
type gitServer struct {
	*httptest.Server
	dir      string
	login    string       // user:password that is wanted
	old      bool         // no version 2 of the protocol
	asked    atomic.Int32 // requests
	sent     atomic.Int64 // bytes of answers
	override func(http.ResponseWriter, *http.Request) bool
}

func serveGit(t testing.TB, dir string, secure bool) *gitServer {
	t.Helper()
	s := &gitServer{dir: dir}
	s.Server = httptest.NewUnstartedServer(s)
	s.Server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *gitServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.asked.Add(1)
	if s.override != nil && s.override(w, req) {
		return
	}
	if user, password, _ := req.BasicAuth(); s.login != "" && user+":"+password != s.login {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "you sent "+user+":"+password, http.StatusUnauthorized)
		return
	}
	if s.old {
		req.Header.Del("Git-Protocol")
	}
	h := cgi.Handler{Logger: slog.NewLogLogger(slog.DiscardHandler, 0), Path: "/usr/lib/git-core/git-http-backend", Stderr: discard{}, Env: []string{
		"GIT_PROJECT_ROOT=" + s.dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*", "GIT_CONFIG_KEY_1=uploadpack.allowFilter", "GIT_CONFIG_VALUE_1=true"}}
	h.ServeHTTP(&counted{w, &s.sent}, req)
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

type counted struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

func (c *counted) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

// newFetcher is a Fetcher in a directory of its own that trusts the given servers, and reads from this machine unless the
// configuration says otherwise.
func newFetcher(t testing.TB, cfg Config, servers ...*gitServer) *Fetcher {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Loopback == nil {
		cfg.Loopback = []string{"127.0.0.1"}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.roots = x509.NewCertPool()
	for _, s := range servers {
		if cert := s.Certificate(); cert != nil {
			f.roots.AddCert(cert)
		}
	}
	return f
}

// served is an empty repository, git's own server of it, a Fetcher, and what to ask it for.
func served(t testing.TB) (repo, *gitServer, *Fetcher, Remote) {
	t.Helper()
	dir := t.TempDir()
	r, s := newRepo(t, dir, "web"), serveGit(t, dir, false)
	return r, s, newFetcher(t, Config{}), Remote{URL: s.URL + "/web/.git", Branch: "main"}
}

func fetch(t testing.TB, f *Fetcher, r Remote) Checkout {
	t.Helper()
	return fetched(t, f, "service", r)
}

func fetched(t testing.TB, f *Fetcher, service string, r Remote) Checkout {
	t.Helper()
	c, err := f.Fetch(t.Context(), service, r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refused wants an *Error that has all of the words.
func refused(t testing.TB, err error, words ...string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v (%T), want an error of the user", err, err)
	}
	for _, w := range words {
		if !strings.Contains(e.Reason, w) {
			t.Errorf("the reason %q lacks %q", e.Reason, w)
		}
	}
}

// fetchRefused wants Fetch to refuse, and nothing of the checkout to be left.
func fetchRefused(t testing.TB, f *Fetcher, r Remote, words ...string) {
	t.Helper()
	_, err := f.Fetch(t.Context(), "service", r)
	refused(t, err, words...)
	for _, dir := range []string{"tmp", "checkouts/service"} {
		if left, _ := filepath.Glob(filepath.Join(f.cfg.Dir, dir, "*")); len(left) > 0 {
			t.Errorf("%s was left", left)
		}
	}
}

func read(t testing.TB, c Checkout, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.Dir, "app", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
