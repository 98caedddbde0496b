package runtimes

import (
	"context"
	"errors"
	"log/slog"
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

// Error is the user's or the operator's to mend: no base to be had, a version that no base has. Its text says what to do.
type Error struct{ Reason string }

func (e *Error) Error() string { return e.Reason }

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
type Bases struct{ cfg Config }

// New makes a Bases; it pulls and starts nothing. A runtime in Map that is unknown, or a reference that is malformed, is an
// error.
func New(cfg Config) (*Bases, error) { return &Bases{cfg: cfg}, nil }

// Find finds the base of a runtime for an account's build, the first of these that there is:
//
//  1. the reference in Config.Map, and nothing else
//  2. the newest image in Repository that fits the lock: the account's own, then those of the directory's first account
//  3. the default reference, pulled from its registry
//  4. this machine's own programs, where the registry cannot be reached or lacks the image
//
// lock is a version as in apprunner.yaml, "3", "3.11" or "3.11.4", and "" for any. What is found and what is passed over goes
// to line, for the deployment's log. It blocks for a pull, which image.Config limits; without a registry, for Config.Reach
// at most, and for the minute after that not at all. Errors are *Error where the user or the operator can do something.
func (b *Bases) Find(ctx context.Context, account string, rt Runtime, lock string, line func(string)) (Base, error) {
	return Base{}, errors.New("not written yet")
}

// Kept are the digests of images that Find has answered with lately: image.Store.Collect is to leave them.
func (b *Bases) Kept() ([]string, error) { return nil, nil }
