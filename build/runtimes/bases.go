package runtimes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"apron/driver"
	"apron/image"
)

// Base is what a build starts from.
type Base struct {
	Image   string            // digest in the image store; "" with Host
	Host    bool              // this machine's own programs, read-only
	Version string            // of the runtime in it: "3.11.2"
	Ref     string            // where it is from: a reference, or "host"
	Env     map[string]string // what the base needs beside Runtime.Env: PATH, with Host
}

// Host is what stands in a reference's place for this machine's own programs.
const Host = "host"

// Repository is the repository of the embedded registry that `apron runtime build` puts a runtime's bases into, each under
// its version as the tag.
func Repository(runtime string) string { return "apron/runtime/" + runtime }

// Config says where bases come from.
type Config struct {
	Dir    string // what was learnt of images is kept here
	Log    *slog.Logger
	Images *image.Store
	Driver driver.Driver // runs the version commands
	// Registry is a host by which an image reference means the embedded registry: "127.0.0.1:4080".
	Registry string
	// Map gives runtimes, by their names, other bases than the default: a reference, which may have {version} in it, or Host.
	Map map[string]string
	// Auth are the credentials for a reference's registry; nil: none.
	Auth func(ref string) *image.Auth
	// Reach is how long a registry may take to say what a reference means; 0 is 8 seconds.
	Reach time.Duration
}

// Bases finds bases. It is safe for concurrent use.
type Bases struct {
	cfg     Config
	probing chan struct{} // holds a token while an image is looked into

	mu     sync.Mutex
	silent map[string]silence // registries that did not answer, by their hosts
	host   map[string]string  // versions of this machine's programs
	pulls  map[string]error   // by runtime: nil while Pull's pull is under way, and why it failed

	queue chan Runtime // what Pull has begun
}

// New makes a Bases; it pulls and starts nothing, and Run carries out what Pull begins. A runtime in Map that is unknown, or a
// reference that is malformed, is an error.
func New(cfg Config) (*Bases, error) {
	if err := CheckMap(cfg.Map); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of runtimes: %w", err)
	}
	cfg.Reach = cmp.Or(cfg.Reach, defaultReach)
	return &Bases{
		cfg: cfg, probing: make(chan struct{}, 1), silent: map[string]silence{}, host: map[string]string{}, pulls: map[string]error{},
		queue: make(chan Runtime, len(table())),
	}, nil
}

// CheckMap says what is wrong with a Config.Map.
func CheckMap(m map[string]string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(m)) {
		rt, ok := Lookup(name)
		if !ok || rt.Name != name {
			errs = append(errs, fmt.Errorf("there is no runtime %q; `apron runtime ls` shows those that there are", name))
			continue
		}
		if ref := m[name]; ref != Host {
			if err := image.CheckName(rt.reference(ref, "")); err != nil {
				errs = append(errs, fmt.Errorf("the base image of %s: %w", name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// Find finds the base of a runtime for an account's build, the first of these that there is:
//
//  1. the reference in Config.Map, and nothing else
//  2. the newest image in Repository that fits the lock: the account's own, then those of the directory's first account
//  3. the default reference, pulled from its registry
//  4. this machine's own programs, where the registry cannot be reached or has no image that fits
//
// lock is a version as in apprunner.yaml, "3", "3.11" or "3.11.4", and "" for any. What is found and what is passed over goes
// to line, for the deployment's log. It blocks for a pull, which image.Config limits; without a registry, for Config.Reach
// at most, and for the minute after that not at all. Errors are *Error where the user or the operator can do something.
func (b *Bases) Find(ctx context.Context, account string, rt Runtime, lock string, line func(string)) (Base, error) {
	if err := rt.checkLock(lock); err != nil {
		return Base{}, err
	}
	if rt.Deprecated != "" {
		line(fmt.Sprintf("Runtime %s is deprecated: %s.", rt.Name, rt.Deprecated))
	}
	base, err := b.find(ctx, account, rt, lock, line)
	if err != nil {
		return Base{}, err
	}
	line(fmt.Sprintf("Building on %s with version %s of %s.", base.shown(), base.Version, rt.Name))
	return base, nil
}

func (base Base) shown() string {
	if base.Host {
		return "this machine's own programs"
	}
	return "base image " + base.Ref
}

func (b *Bases) find(ctx context.Context, account string, rt Runtime, lock string, line func(string)) (Base, error) {
	if ref, ok := b.cfg.Map[rt.Name]; ok {
		return b.configured(ctx, rt, ref, lock, line)
	}
	base, others, ok, err := b.built(ctx, account, rt, lock)
	if ok || err != nil {
		return base, err
	}
	var tried []string
	if len(others) > 0 {
		tried = append(tried, "the bases made here have "+strings.Join(others, ", "))
	}
	ref := rt.reference(rt.Image, lock)
	base, err = b.pulled(ctx, rt, ref, lock, line)
	if err == nil || !isOf[*Error](err) {
		return base, err
	}
	missed := err.Error()
	base, err = b.hostBase(ctx, rt, lock)
	if err == nil {
		line(fmt.Sprintf("Base image %s is not to be had: %s. Using this machine's own programs instead.", ref, missed))
		return base, nil
	}
	return Base{}, rt.noBase(lock, append(tried, missed, err.Error()))
}

// configured is the base that the operator named: there is no other then.
func (b *Bases) configured(ctx context.Context, rt Runtime, ref, lock string, line func(string)) (base Base, err error) {
	if ref == Host {
		base, err = b.hostBase(ctx, rt, lock)
	} else {
		base, err = b.pulled(ctx, rt, rt.reference(ref, lock), lock, line)
	}
	if isOf[*Error](err) {
		return Base{}, rt.noBase(lock, []string{"the base that the server is configured with: " + err.Error()})
	}
	return base, err
}
