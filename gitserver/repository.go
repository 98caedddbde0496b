package gitserver

import (
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v6/osfs"
	"github.com/go-git/go-git/v6/plumbing/cache"
	"github.com/go-git/go-git/v6/storage/filesystem"
)

// repository is one of the server's, with what must not happen to it at the same time.
type repository struct {
	account, name string
	dir           string
	inUse         sync.RWMutex // held for reading by who serves it, for writing by who takes objects away
	moving        sync.Mutex   // held while references move
}

const (
	repoSuffix     = ".git"
	newPrefix      = ".new-"     // of a repository's directory until it is complete
	incomingPrefix = "incoming-" // of what is being pushed to it
	objectsDir     = "objects"
	packDir        = "objects/pack"
)

var (
	repoName    = compiled(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$`)
	accountName = compiled(`^[0-9]{12}$`)
)

// compiled compiles at the first use: the program has commands that need none of it.
func compiled(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// isRepoName also keeps apart what means the same repository, and what git keeps for itself.
func isRepoName(name string) bool {
	return repoName().MatchString(name) && !strings.HasSuffix(name, repoSuffix) && !strings.HasSuffix(name, ".lock") && !strings.Contains(name, "..")
}

// repository returns the one of that name, which need not exist yet.
func (s *Server) repository(account, name string) (*repository, error) {
	if !accountName().MatchString(account) {
		return nil, refuse("%q is no account", account)
	}
	if !isRepoName(name) {
		return nil, refuse("%q can't be a repository's name: up to 100 letters, digits, -, _ and dots, a letter or digit first", name)
	}
	dir := filepath.Join(s.cfg.Dir, account, name+repoSuffix)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repos[dir]
	if r == nil {
		r = &repository{account: account, name: name, dir: dir}
		s.repos[dir] = r
	}
	return r, nil
}

// Local returns the directory of the bare repository that a URL means to an account, if the URL is one of this server's:
// see Repository. It need not exist yet.
func (s *Server) Local(account, url string) (dir string, ok bool) {
	name, ok := s.Repository(url)
	if !ok || !accountName().MatchString(account) {
		return "", false
	}
	return filepath.Join(s.cfg.Dir, account, name+repoSuffix), true
}

// Repository returns the repository's name in a URL of this server: http or https, one of Config.Hosts, then
// /git/<repository>, with or without .git and a slash behind it. The port of an http URL does not matter: the server may have had
// another one when somebody wrote it down, and what a service is built from must not be lost with the port.
func (s *Server) Repository(text string) (name string, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.RawQuery != "" || u.User != nil || !s.isHost(u) {
		return "", false
	}
	name, ok = strings.CutPrefix(u.Path, "/git/")
	name = strings.TrimSuffix(strings.TrimSuffix(name, "/"), repoSuffix)
	return name, ok && isRepoName(name)
}

func (s *Server) isHost(u *url.URL) bool {
	return slices.ContainsFunc(s.cfg.Hosts, func(own string) bool {
		host, _, err := net.SplitHostPort(own)
		return u.Scheme == "https" && u.Host == own || u.Scheme == "http" && err == nil && u.Hostname() == host
	})
}

func (r *repository) exists() bool {
	_, err := os.Stat(r.dir)
	return err == nil
}

func (r *repository) path(parts ...string) string {
	return filepath.Join(append([]string{r.dir}, parts...)...)
}

// storage opens the repository for one request: it does not notice packs that come later.
func (r *repository) storage() *filesystem.Storage { return openStorage(r.dir) }

const (
	objectCache = 16 << 20
	largeObject = 1 << 20 // larger ones are read as they are needed
)

func openStorage(dir string) *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRU(objectCache), filesystem.Options{
		LargeObjectThreshold: largeObject, AlternatesFS: osfs.New("/"),
	})
}

const (
	firstHead  = "ref: refs/heads/main\n"
	bareConfig = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
)

// make makes the repository, whole or not at all, if it is not there.
func (r *repository) make() (err error) {
	r.moving.Lock()
	defer r.moving.Unlock()
	if r.exists() {
		return nil
	}
	account := filepath.Dir(r.dir)
	if err := os.MkdirAll(account, 0o700); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(account, newPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // gone already after the rename
	for _, dir := range []string{packDir, objectsDir + "/info", "refs/heads", "refs/tags"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(tmp, dir), 0o700))
	}
	err = errors.Join(err, writeFile(filepath.Join(tmp, "config"), bareConfig), writeFile(filepath.Join(tmp, "HEAD"), firstHead))
	if err != nil {
		return err
	}
	return errors.Join(os.Rename(tmp, r.dir), syncDir(account), syncDir(filepath.Dir(account)))
}

// remove takes the repository out of sight at once, then away. The caller holds inUse for writing.
func (r *repository) remove() error {
	gone, err := os.MkdirTemp(filepath.Dir(r.dir), newPrefix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.Rename(r.dir, filepath.Join(gone, "repository")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(gone)
}

// writeFile replaces the file as a whole or not at all, also when the power fails.
func writeFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), incomingPrefix)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already after the rename
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return errors.Join(os.Rename(f.Name(), path), syncDir(filepath.Dir(path)))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
