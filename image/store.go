package image

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Config says how a Store pulls and what it refuses. The zero value is ready for use.
type Config struct {
	Log *slog.Logger // nil discards

	// Owner is the account that the repositories belong to which are called by their name alone; those of other accounts
	// are kept apart from them and from each other.
	Owner string
	// IsAccount says whether an account may have repositories here; nil: only Owner has.
	IsAccount func(ctx context.Context, account string) (bool, error)

	// LocalHosts are the addresses under which the embedded registry is known, as written in a reference:
	// "127.0.0.1:4080", "localhost:4080". References to them are served from disk.
	LocalHosts []string
	// Map sends references elsewhere: a prefix of the reference, ending at a path boundary, to the host and path
	// that take its place: "public.ecr.aws" -> "mirror.example/ecr". The longest prefix wins; applied once.
	Map map[string]string
	// PlainHTTP are registry hosts that are spoken to without TLS, besides loopback and private addresses, *.localhost
	// and *.local, which always are.
	PlainHTTP []string

	// Pushed, if set, is told of each tag that a client has pushed to the embedded registry; it must not block.
	Pushed func(account, repository, tag string)

	MaxUnpacked int64         // bytes of file content of one image; 0 is 3 GiB, App Runner's storage
	Parallel    int           // layers fetched and unpacked at a time, for all pulls together; 0 is 4
	PullTimeout time.Duration // for one Pull; 0 is 30 minutes
	IdleTimeout time.Duration // without one byte of a blob, pulled or pushed; 0 is 30 seconds
	Retries     int           // further attempts when a registry does not answer; 0 is 4
	Backoff     time.Duration // before the first of them, doubling each time; 0 is 200 milliseconds
	// CollectGrace protects what is younger from Collect, so that an image whose pull has just ended, or a push that
	// has not set its tag yet, is not taken away before anyone refers to it. 0 is 10 minutes.
	CollectGrace time.Duration
	Transport    http.RoundTripper // nil is a transport of its own with timeouts, and the proxy of the environment
}

func (c Config) withDefaults() Config {
	setDefault(&c.MaxUnpacked, 3<<30)
	setDefault(&c.Parallel, 4)
	setDefault(&c.PullTimeout, 30*time.Minute)
	setDefault(&c.IdleTimeout, 30*time.Second)
	setDefault(&c.Retries, 4)
	setDefault(&c.Backoff, 200*time.Millisecond)
	setDefault(&c.CollectGrace, 10*time.Minute)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	return c
}

// Grace is Config.CollectGrace, or its default.
func (s *Store) Grace() time.Duration { return s.cfg.CollectGrace }

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// Store is the images of this machine: pulled images, their unpacked layers, and the embedded registry. It is safe for
// concurrent use. One process at a time may hold a directory; Close lets go of it.
//
// Under its directory:
//
//	blobs/sha256/<hex>    compressed layers, manifests and configurations, each verified before it got its name
//	layers/<hex of diffID>/fs    one unpacked layer; beside it, size: bytes of file content, and perhaps blob: see blobFile
//	images/<hex>.json     one record for each image that is whole; written last
//	repos/<name>/         the embedded registry's repositories; "/" in a name is "!", see repo.go
//	tmp/                  everything unfinished; emptied by Open
type Store struct {
	dir     string
	cfg     Config
	lock    *os.File
	pins    pins
	flights flights
	slots   chan struct{} // one for each layer that is being fetched or unpacked
	uploads uploads
}

// Open opens the store in dir, which it makes if need be, and removes what an earlier process left unfinished there.
// It needs root: layers hold files of many owners.
func Open(dir string, cfg Config) (*Store, error) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return nil, errors.New("open image store: layers hold files of many owners and overlay whiteouts; run apron as root on Linux")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open image store: %w", err)
	}
	cfg = cfg.withDefaults()
	s := &Store{dir: dir, cfg: cfg, slots: make(chan struct{}, cfg.Parallel)}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open image store %s: %w", dir, err)
	}
	return s, nil
}

func (s *Store) open() error {
	// 0700 keeps local users away from the setuid programs inside the layers.
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if err := s.takeLock(); err != nil {
		return err
	}
	if err := s.makeDirs(); err != nil {
		return errors.Join(err, s.lock.Close())
	}
	return nil
}

func (s *Store) makeDirs() error {
	if err := os.RemoveAll(s.tmp()); err != nil {
		return err
	}
	for _, d := range []string{"tmp", "blobs/sha256", "layers", "images", "repos"} {
		if err := makeDir(filepath.Join(s.dir, d)); err != nil {
			return err
		}
	}
	return nil
}

// takeLock keeps a second process from emptying tmp under the first. The kernel lets go of the lock when a process dies.
func (s *Store) takeLock() error {
	f, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return fmt.Errorf("another process uses this directory; stop it or choose another --data directory (%w)", err)
	}
	s.lock = f
	return nil
}

// Close lets another process open the directory. Pulls and pushes must have ended.
func (s *Store) Close() error {
	s.uploads.dropAll()
	return s.lock.Close()
}

func (s *Store) tmp() string { return filepath.Join(s.dir, "tmp") }

func (s *Store) blobPath(d digest) string  { return filepath.Join(s.dir, "blobs", "sha256", d.hex()) }
func (s *Store) layerPath(d digest) string { return filepath.Join(s.dir, "layers", d.hex()) }
func (s *Store) imagePath(d digest) string { return filepath.Join(s.dir, "images", d.hex()+".json") }
