// Package build makes an image of a commit: the commit's files and a recipe in, the digest of an image out. operation calls
// it. Commands of a recipe run in instances of the driver, on a base image with the runtime, and nowhere else; what they
// print is taken for hostile. It must never know services' states, operations' steps or the store.
package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"apron/api"
	"apron/build/recipe"
	"apron/build/runtimes"
	"apron/build/source"
	"apron/driver"
	"apron/image"
)

// Config is what a Builder needs. Zero fields below Find take the defaults named there.
type Config struct {
	Log    *slog.Logger
	Dir    string // builds/ of the data directory: caches and work; made when missing
	Images *image.Store
	Driver Driver
	Bases  Bases

	// Find gives the image that Keep was told for this key; ok is false when there is none. Keep is called once an image is
	// whole on this machine. A key holds all that decides what a build makes, so whoever has the key may have the image.
	Find func(ctx context.Context, account, service, key string) (digest string, ok bool, err error)
	Keep func(ctx context.Context, account, service, key, digest string) error

	Limit    time.Duration // for one build, waiting for its turn not counted: 1 h
	CPU      int           // 1024 units = one vCPU; all of the machine. Services come before it whatever this is
	Memory   int           // MiB: 3072
	Disk     int           // MiB that one stage may write, where the file system can hold it to that: 10240
	Parallel int           // builds at a time: one for each two vCPUs
	Cache    int           // MiB of dependency caches that a service may keep between builds: 2048
}

// Driver is what a Builder needs of a container driver.
type Driver interface {
	driver.Driver
	driver.Changer
}

// Bases finds the image with a managed runtime; see runtimes.Bases.
type Bases interface {
	Find(ctx context.Context, account string, rt runtimes.Runtime, lock string, line func(string)) (runtimes.Base, error)
}

// Request is one build.
type Request struct {
	Account   string // 12 digits
	Service   string // the service's id, which its caches go by
	Name      string // the service's name, which its images go by
	Operation string // whose build this is: what an earlier try of the same operation left is destroyed first

	Checkout   source.Checkout
	Repository string                 // where the source is from, for the image's label; "" for none. Without credentials
	Directory  string                 // SourceDirectory; "" and "/" are the repository's root
	Code       *api.CodeConfiguration // nil is apprunner.yaml

	Line func(string) // takes each line of the deployment's log, "[Build] ..." or "[AppRunner] ..."; from one goroutine at a time
}

// Result is what a build has made.
type Result struct {
	Image      string     // digest of an image that is whole on this machine
	Command    []string   // starts the program, as the image's own Cmd does: Command(Run.Command)
	Run        recipe.Run // as the recipe has it
	WorkingDir string     // of commands and program: /app or a directory in it
	Host       bool       // the image stands on this machine's own /usr, as driver.Spec.Host has it
	Runtime    string     // as apprunner.yaml has it: python311
	Version    string     // of the runtime in the base: "3.11.2"
	Key        string     // what Find and Keep were called with
	Reused     bool       // nothing was built: Find knew the key
	Phases     []Phase    // where the time went, in order
}

// Error is what the user can mend. Anything else that Build returns is this machine's fault, or the end of its context.
type Error struct {
	Reason string   // one or more sentences: the cause and the next step
	Log    []string // the last lines of the command that failed, if one did
	Cause  error    // may be nil; for the log, not for the user
}

func (e *Error) Error() string { return e.Reason }
func (e *Error) Unwrap() error { return e.Cause }

func refuse(cause error, format string, args ...any) *Error {
	return &Error{Reason: fmt.Sprintf(format, args...), Cause: cause}
}

// Builder makes images. Its methods may be called from many goroutines, but Build for one service only once at a time.
type Builder struct {
	cfg   Config
	turns *turns

	mu     sync.Mutex
	active map[string]int // builds that have begun, by service
	images map[string]int // what they work with, by digest
}

// Directories below Config.Dir, beside services/.
const (
	workDir  = "work"  // one directory for each build under way
	trashDir = "trash" // what is being removed
)

// New makes the directory, and removes from it what builds of an earlier process left under way. It starts nothing.
func New(cfg Config) (*Builder, error) {
	if cfg.Log == nil || cfg.Dir == "" || cfg.Images == nil || cfg.Driver == nil || cfg.Bases == nil || cfg.Find == nil || cfg.Keep == nil {
		return nil, errors.New("builder: Log, Dir, Images, Driver, Bases, Find and Keep must be set")
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("builder: %w", err)
	}
	cfg.Dir = dir
	err = errors.Join(os.MkdirAll(dir, 0o700), os.RemoveAll(filepath.Join(dir, workDir)), os.RemoveAll(filepath.Join(dir, trashDir)))
	if err != nil {
		return nil, fmt.Errorf("builder: %w", err)
	}
	cfg = cfg.withDefaults()
	return &Builder{cfg: cfg, turns: newTurns(cfg.Parallel), active: map[string]int{}, images: map[string]int{}}, nil
}

func (cfg Config) withDefaults() Config {
	cpus := runtime.NumCPU()
	cfg.Limit = cmp.Or(cfg.Limit, time.Hour)
	cfg.CPU = cmp.Or(cfg.CPU, 1024*cpus)
	cfg.Memory = cmp.Or(cfg.Memory, 3072)
	cfg.Disk = cmp.Or(cfg.Disk, 10240)
	cfg.Parallel = cmp.Or(cfg.Parallel, max(1, cpus/2))
	cfg.Cache = cmp.Or(cfg.Cache, 2048)
	return cfg
}
