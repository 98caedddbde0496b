// Package gitserver keeps git repositories that people push to, and serves them over git's smart HTTP below /git/: clone,
// fetch and push with any git, authenticated with an access key and its secret. It runs no program git. A working tree
// comes in as a tar, too, and becomes a commit: see Uploaded.
//
// A repository is a bare one in git's own format, Dir/<account>/<name>.git. What a push brings lies apart until it is
// whole and checked; then its pack is synced and moved in, and only then the references move, all of them in one file that
// is replaced. So a crash leaves the repository as it was before the push or as it is after it.
package gitserver

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
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
	// Directory is what of the repository the service is made of; "" is all of it.
	Directory string
	Auto      bool // a push to Branch deploys it, if there is something new for it
	Paused    bool // it serves nothing, and is not deployed
	Failed    bool // it could not be created or deleted, and is not deployed either
}

// Config is what a Server works with.
type Config struct {
	Dir string // holds all repositories; made if it is missing
	Log *slog.Logger
	// Login tells whose a user name and password are. It must take the same time for right and wrong passwords; its errors
	// are ours, not the client's.
	Login func(ctx context.Context, user, password string) (Access, bool, error)
	URL   string   // of this server, as http://127.0.0.1:4080: what uploads are told that their repository is called
	Hosts []string // host:port by which a URL means this server
	// MaxBytes bounds a pushed pack, and what the files of an uploaded working tree take together; 0 is 1 GiB.
	MaxBytes int64
	// Idle is how long a client may neither send nor take a byte before it is cut off; 0 is a minute.
	Idle time.Duration
	// Uses lists the services that are deployed from a repository, so that a push can say what comes of it; nil knows none.
	Uses func(ctx context.Context, account, repository string) ([]Use, error)
	// Pushed is called when a push has moved a branch, with full commit ids; old or new is "" where the branch was made or
	// deleted. The client that pushed waits for it. An uploaded working tree is no push: who sends it says what is to be
	// deployed. nil for nobody.
	Pushed func(ctx context.Context, account, repository, branch, old, new string)
}

// Server is an http.Handler for everything below /git/. Its methods may be called at the same time.
type Server struct {
	cfg    Config
	mux    *http.ServeMux
	limits packLimits
	unpack chan struct{} // holds one for each pack that is being checked, which takes memory

	mu    sync.Mutex
	repos map[string]*repository // by directory; those that were asked for since the start
}

const (
	defaultMaxBytes = 1 << 30
	defaultIdle     = time.Minute
	unpackAtATime   = 2
)

// New makes Dir and takes away what a crash cut off in it. There must be one Server for a Dir at a time.
func New(cfg Config) (*Server, error) {
	cfg.MaxBytes, cfg.Idle = cmp.Or(cfg.MaxBytes, defaultMaxBytes), cmp.Or(cfg.Idle, defaultIdle)
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of git repositories: %w", err)
	}
	for _, pattern := range []string{"*/" + newPrefix + "*", "*/*" + repoSuffix + "/" + incomingPrefix + "*"} {
		left, err := filepath.Glob(filepath.Join(cfg.Dir, pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range left {
			if err := os.RemoveAll(path); err != nil {
				return nil, fmt.Errorf("remove what a push left: %w", err)
			}
		}
	}
	s := &Server{cfg: cfg, limits: defaultPackLimits, unpack: make(chan struct{}, unpackAtATime), repos: map[string]*repository{}}
	s.mux = s.routes()
	return s, nil
}

// Head returns the commit that a branch points to. It is "" where there is no such repository or branch.
func (s *Server) Head(account, name, branch string) (commit string, err error) {
	r, err := s.repository(account, name)
	if err != nil {
		return "", err
	}
	refs, err := r.refs()
	if err != nil {
		return "", err
	}
	if hash, ok := refs[branchRef(branch)]; ok {
		commit = hash.String()
	}
	return commit, nil
}
