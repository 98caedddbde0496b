package source

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
)

// Fetcher fetches for many services at a time; fetches of one service take turns.
//
//	mirrors/SERVICE/URL     a bare repository of what was fetched, for the next time
//	checkouts/SERVICE/NAME  checkout.json and files/app
//	known_hosts             keys of SSH servers
//	tmp                     what is under way; emptied by New
type Fetcher struct {
	cfg   Config
	hosts hostKeys
	roots *x509.CertPool // nil: the system's
	proxy func(*http.Request) (*url.URL, error)
	boot  string

	mu   sync.Mutex
	busy map[string]chan struct{} // by service: holds a token while it is free
}

// New makes the directory, and removes from it what an earlier process left half done. One process may use it at a time.
func New(cfg Config) (*Fetcher, error) {
	cfg.Limits = cfg.Limits.orDefaults()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	f := &Fetcher{cfg: cfg, hosts: hostKeys{path: filepath.Join(cfg.Dir, "known_hosts")}, busy: map[string]chan struct{}{}, boot: bootID(), proxy: http.ProxyFromEnvironment}
	if err := os.RemoveAll(f.path("tmp")); err != nil {
		return nil, fmt.Errorf("empty the sources: %w", err)
	}
	for _, d := range []string{"mirrors", "checkouts", "tmp"} {
		if err := os.MkdirAll(f.path(d), 0o700); err != nil {
			return nil, fmt.Errorf("make the directory of sources: %w", err)
		}
	}
	return f, nil
}

// bootID tells one run of the machine from another. Checkouts are not synced to disk file by file, so they are not trusted
// after a crash of the machine; mirrors are, and give them again.
func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // Linux's; elsewhere all runs are one
	return string(id)
}

func (f *Fetcher) path(parts ...string) string {
	return filepath.Join(append([]string{f.cfg.Dir}, parts...)...)
}

// serviceID says whether s may name a directory.
func serviceID(s string) bool {
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// lock waits for other work on the service.
func (f *Fetcher) lock(ctx context.Context, service string) (unlock func(), err error) {
	if !serviceID(service) {
		return nil, fmt.Errorf("%q is no id of a service", service)
	}
	free := f.free(service)
	select {
	case <-free:
		return func() { free <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another fetch of the service: %w", context.Cause(ctx))
	}
}

// tryLock is lock for who would rather go without than wait.
func (f *Fetcher) tryLock(service string) (unlock func(), ok bool) {
	free := f.free(service)
	select {
	case <-free:
		return func() { free <- struct{}{} }, true
	default:
		return nil, false
	}
}

// free holds a token while nobody works on the service.
func (f *Fetcher) free(service string) chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	free, ok := f.busy[service]
	if !ok {
		free = make(chan struct{}, 1)
		free <- struct{}{}
		f.busy[service] = free
	}
	return free
}

// key names what is kept of a repository. Credentials are no part of URLs.
func (a address) key() string {
	sum := sha256.Sum256([]byte(a.raw))
	return fmt.Sprintf("%x", sum[:8])
}

// remove takes a directory away at once, and its content after.
func (f *Fetcher) remove(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	tmp, err := os.MkdirTemp(f.path("tmp"), "gone-*")
	if err != nil {
		return fmt.Errorf("remove sources: %w", err)
	}
	if err := os.Rename(path, filepath.Join(tmp, "it")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove sources: %w", err)
	}
	if err := os.RemoveAll(tmp); err != nil {
		return fmt.Errorf("remove sources: %w", err)
	}
	return nil
}

// contain makes an error of a panic: foreign parsers read here what anybody may have written, and a fault of theirs must not
// end the server.
func (f *Fetcher) contain(err *error) {
	if p := recover(); p != nil {
		f.cfg.Log.Error("reading a repository failed", "panic", p, "stack", string(debug.Stack()))
		*err = fmt.Errorf("reading the repository failed: %v", p)
	}
}
