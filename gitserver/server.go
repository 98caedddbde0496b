// Package gitserver keeps git repositories that people push to, and serves them over git's smart HTTP below /git/: clone,
// fetch and push with any git, authenticated with an access key and its secret. It runs no program git. A working tree
// that is no git repository comes in as a tar and becomes a commit: see tree.go.
//
// A repository is a bare one in git's own format, Dir/<account>/<name>.git. What a push brings lies apart until it is
// whole and checked; then its pack is synced and moved in, and only then the references move, all in one file.
package gitserver

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Access is what a client may do.
type Access struct {
	Account  string // whose repositories it sees
	ReadOnly bool   // it may clone and fetch only
}

// Use is a service that is deployed from a repository.
type Use struct {
	Service string // its name
	Branch  string // without refs/heads/
	Auto    bool   // a push to Branch deploys it
}

// Config is what a Server works with.
type Config struct {
	Dir string // holds all repositories; made if it is missing
	Log *slog.Logger
	// Login tells whose a user name and password are. It must take the same time for right and wrong passwords; its errors
	// are ours, not the client's.
	Login func(ctx context.Context, user, password string) (Access, bool, error)
	Hosts []string // host:port by which a URL means this server
	// MaxBytes bounds a pushed pack, and what the files of an uploaded working tree take together; 0 is 1 GiB.
	MaxBytes int64
	// Uses lists the services that are deployed from a repository, so that a push can say what comes of it; nil knows none.
	Uses func(ctx context.Context, account, repository string) ([]Use, error)
	// Pushed is called when a branch has moved, with full commit ids; old or new is "" where the branch was made or deleted. It
	// must not block for long: the client that pushed waits for it. nil for nobody.
	Pushed func(ctx context.Context, account, repository, branch, old, new string)
}

// Server is an http.Handler for everything below /git/. Its methods may be called at the same time.
type Server struct {
	cfg    Config
	unpack chan struct{} // holds one for each pack that is being checked, which takes memory

	mu    sync.Mutex
	repos map[string]*repository // by directory; those that were asked for since the start
}

const (
	defaultMaxBytes = 1 << 30
	unpackAtATime   = 2
)

// New makes Dir and takes away what pushes left in it that a crash cut off. There must be one Server for a Dir at a time.
func New(cfg Config) (*Server, error) {
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, defaultMaxBytes)
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of git repositories: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(cfg.Dir, "*", "*"+repoSuffix, incomingPrefix+"*"))
	if err != nil {
		return nil, err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return nil, fmt.Errorf("remove what a push left: %w", err)
		}
	}
	return &Server{cfg: cfg, unpack: make(chan struct{}, unpackAtATime), repos: map[string]*repository{}}, nil
}

// ServeHTTP serves /git/<repository>/..., with or without .git behind the repository's name.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) { http.NotFound(w, req) }

// Local returns the directory of the bare repository that a URL means to an account, if the URL is one of this server:
// http or https, one of Config.Hosts, and a repository's name. The repository need not exist yet.
func (s *Server) Local(account, url string) (dir string, ok bool) { return "", false }

// Name returns the repository's name in a URL of this server.
func (s *Server) Name(url string) (name string, ok bool) { return "", false }

// Head returns the commit that a branch points to. It is "" where there is no such repository or branch.
func (s *Server) Head(account, repository, branch string) (commit string, err error) { return "", nil }

// Forget deletes a repository with all that was pushed to it. It is no error if there is none.
func (s *Server) Forget(account, repository string) error { return nil }

// Prune gives back what repositories no longer need: one that keep does not want and that nobody pushed to for olderThan
// goes as a whole; in the others, packs become one, without objects that no branch or tag leads to, where the last push
// is olderThan ago or there are many packs. Repositories that are in use at the moment are left for the next time.
func (s *Server) Prune(ctx context.Context, keep func(account, repository string) bool, olderThan time.Duration) (freed int64, err error) {
	return 0, nil
}

// repository is one of the server's, with what must not happen to it at the same time.
type repository struct {
	dir    string
	inUse  sync.RWMutex // held for reading by who serves it, for writing by who takes objects away
	refsMu sync.Mutex   // held while references move
}

const (
	repoSuffix     = ".git"
	incomingPrefix = "incoming-"
)

var _ = strings.TrimSpace
