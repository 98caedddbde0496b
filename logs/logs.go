// Package logs keeps what services have to say, in App Runner's groups and streams: lifecycle events, deployments, the
// requests and the output of each instance, as plain files that outlive instance, server and service. operation, build and telemetry
// write through it, the container driver hands an instance the path it names, the API server and the CLI read and follow. It
// must never hold an instance's output in its own process: instances write on while no server runs.
package logs

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Config limits what is kept. The zero value means the defaults.
type Config struct {
	Log *slog.Logger // for failures of Run; default: none

	MaxSize int64 // bytes of one stream's live file, over which Run rotates it; default 10 MiB
	Keep    int   // rotated parts kept of a stream; default 3

	// MaxTotal and MaxAge limit a service's finished streams: those of instances that are gone and of deployments
	// that are over, and access logs without a recent line. The oldest go first. Defaults 200 MiB and 30 days. A file that a process still holds open is
	// never removed, and "events" never is.
	MaxTotal int64
	MaxAge   time.Duration
}

// Service names the owner of streams: Name is the service's name and ID its id, as in the group
// /aws/apprunner/<name>/<id>/service.
type Service struct{ Name, ID string }

// Logs is a directory of streams. Several processes may have the same directory open, but only one may call Run.
type Logs struct {
	dir string
	cfg Config
	log *slog.Logger

	block  int64    // the front of a file can be cut off in multiples of this many bytes; 0: not in place
	mended sync.Map // path -> *sync.Once: each file's end is looked at once, before this process first appends
}

var (
	// ErrNotFound says that there is no such service or stream, or that it never got a byte.
	ErrNotFound = errors.New("no such log")
	errName     = errors.New("not a valid name")
)

// Open uses dir, which is made if it is missing, mode 0700.
func Open(dir string, cfg Config) (*Logs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open log directory: %w", err)
	}
	cfg.MaxSize = cmp.Or(cfg.MaxSize, 10<<20)
	cfg.Keep = cmp.Or(cfg.Keep, 3)
	cfg.MaxTotal = cmp.Or(cfg.MaxTotal, 200<<20)
	cfg.MaxAge = cmp.Or(cfg.MaxAge, 30*24*time.Hour)
	block, err := probeCollapse(dir)
	if err != nil {
		return nil, fmt.Errorf("open log directory: %w", err)
	}
	return &Logs{dir: dir, cfg: cfg, log: cmp.Or(cfg.Log, slog.New(slog.DiscardHandler)), block: block}, nil
}

// EventsStream is the stream of a service's life.
const EventsStream = "events"

// DeploymentStream is the stream of one deployment.
func DeploymentStream(operationID string) string { return "deployment/" + operationID }

// InstanceStream is the stream of one instance's stdout and stderr.
func InstanceStream(instanceID string) string { return "instance/" + instanceID }

var (
	nameForm   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`) })
	streamForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(events|access|(deployment|instance)/[A-Za-z0-9][A-Za-z0-9_-]{0,127})$`)
	})
)

// serviceDir is the directory of both groups of the service.
func (l *Logs) serviceDir(svc Service) (string, error) {
	if !nameForm().MatchString(svc.Name) || !nameForm().MatchString(svc.ID) {
		return "", fmt.Errorf("service %q with id %q: %w", svc.Name, svc.ID, errName)
	}
	return filepath.Join(l.dir, svc.Name, svc.ID), nil
}

// path is the stream's live file; its rotated parts are path + ".1" (the newest), ".2" and so on.
func (l *Logs) path(svc Service, stream string) (string, error) {
	dir, err := l.serviceDir(svc)
	if err != nil {
		return "", err
	}
	if !streamForm().MatchString(stream) {
		return "", fmt.Errorf("log stream %q: %w: want events, access, deployment/<id> or instance/<id>", stream, errName)
	}
	group := "service"
	if stream == AccessStream || strings.HasPrefix(stream, "instance/") {
		group = "application"
	}
	return filepath.Join(dir, group, filepath.FromSlash(stream)+".log"), nil
}

// InstancePath returns the file that an instance's stdout and stderr go to, made with mode 0600 in a directory of
// mode 0700. Whoever opens it must use O_APPEND: rotation cuts the front off the file while it is written, which
// only an appending writer survives.
func (l *Logs) InstancePath(svc Service, instanceID string) (string, error) {
	path, err := l.path(svc, InstanceStream(instanceID))
	if err != nil {
		return "", err
	}
	f, err := openAppend(path)
	if err != nil {
		return "", fmt.Errorf("make log file of instance %s: %w", instanceID, err)
	}
	return path, f.Close()
}

// Remove deletes every stream of the service. A service without streams is removed already.
func (l *Logs) Remove(svc Service) error {
	dir, err := l.serviceDir(svc)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove logs of service %s: %w", svc.Name, err)
	}
	_ = os.Remove(filepath.Dir(dir)) // stays when another service of that name has logs
	return nil
}
