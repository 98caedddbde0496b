package build

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"apron/driver"
)

// script runs its arguments one after the other, each by a shell of its own in the working directory, so that a `cd` of one
// command does not move the next. $0 is the mark that goes ahead of each. Its exit code is that of the command that failed.
const script = `umask 022
n=0
for c do
  printf '\036%s%d\n' "$0" "$n"
  /bin/sh -c "$c" || exit $?
  n=$((n+1))
done`

// cleanTimeout is for removing an instance, also when the build's caller is gone.
const cleanTimeout = 30 * time.Second

// instanceID is the same for every try of an operation, so that a later one finds what an earlier one left.
func instanceID(operation, stage string) string {
	sum := sha256.Sum256([]byte(operation + "/" + stage))
	return hex.EncodeToString(sum[:16])
}

// ground is what a stage's instance starts from.
type ground struct {
	image  string   // digest; "" is nothing but this machine's programs
	layers []string // directories above it
}

// run runs a stage's commands, shows what they print, and returns the directory with what they have changed. The instance is
// left for who reads that directory; clean removes it.
func (w *work) run(ctx context.Context, s stage, from ground) (changes string, err error) {
	started := w.phase("start")
	id := instanceID(w.r.Operation, s.name)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	out := w.begin(s)
	spec := w.spec(id, s, from, out.mark)
	t, err := newTail(spec.LogPath, out)
	if err != nil {
		return "", fmt.Errorf("make the log of the build: %w", err)
	}
	if err := w.b.cfg.Driver.Start(ctx, spec); err != nil {
		return "", errors.Join(w.startFailed(ctx, err), t.f.Close())
	}
	started()
	up := time.Now()
	exit, err := w.watch(ctx, stop, id, t)
	w.phases = append(w.phases, Phase{s.name, exit.At.Sub(up), true})
	defer w.phaseFrom("collect", exit.At)()
	out.flush()
	who := w.named(s.commands[w.current])
	w.doing = "What its commands have changed was being collected"
	if err != nil || ctx.Err() != nil {
		err = w.endError(ctx, who, err, out.last)
	} else {
		err = exitError(who, exit, w.b.cfg.Memory, out.last)
	}
	if err != nil {
		return "", err
	}
	return w.b.cfg.Driver.Changes(ctx, id)
}

// begin makes what reads the stage's output. Its mark is one that no program prints by chance.
func (w *work) begin(s stage) *output {
	w.current = 0
	w.doing = w.named(s.commands[0]) + " was being started"
	return &output{
		show: w.line, hide: w.hide, mark: rand.Text() + " ",
		step: func(n int) {
			if n < len(s.commands) {
				w.current = n
				w.say("Running %s command: %s", s.commands[n].list, w.short(s.commands[n]))
			}
		},
	}
}

func (w *work) spec(id string, s stage, from ground, mark string) driver.Spec {
	cfg := w.b.cfg
	run := []string{"/bin/sh", "-c", script, mark}
	for _, c := range s.commands {
		run = append(run, c.line)
	}
	return driver.Spec{
		ID: id, Service: w.r.Service, Revision: w.r.Operation,
		Image: from.image, Host: w.base.Host,
		Command: run, Env: w.environment(),
		CPU: cfg.CPU, Memory: cfg.Memory, DiskMiB: cfg.Disk,
		LogPath: filepath.Join(w.dir, s.name+".log"),
		Build:   &driver.Build{Layers: from.layers, Mounts: w.mounts, Dir: w.workingDir()},
	}
}

// watch returns how the instance ended. It ends the instance with ctx, which stop ends for what the commands must not do. All
// that they printed is read when it returns.
func (w *work) watch(ctx context.Context, stop context.CancelCauseFunc, id string, t *tail) (driver.Exit, error) {
	ended := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(ended)
	wg.Go(func() {
		if err := t.follow(ended); err != nil {
			stop(err)
		}
	})
	wg.Go(func() {
		if err := watchDisk(w.b.cfg.Dir, ended); err != nil {
			stop(err)
		}
	})
	exit, err := w.b.cfg.Driver.Wait(ctx, id)
	if err != nil {
		w.destroy(ctx, id)
	}
	return exit, err
}

const (
	minFree   = 256 << 20 // bytes that a build leaves on the disk: services and the store need some
	diskEvery = 500 * time.Millisecond
)

// ErrDisk says that a build was stopped before the disk was full.
var ErrDisk = fmt.Errorf("less than %d MiB left on the disk", minFree>>20)

// inodesError is ErrDisk where the disk has room for bytes and none for more files.
type inodesError struct{}

func (inodesError) Error() string        { return "less than a fiftieth of the disk's inodes left" }
func (inodesError) Is(target error) bool { return target == ErrDisk }

// full says what is scarce on a disk. Some file systems have no fixed number of inodes, and say 0.
func full(s unix.Statfs_t) error {
	switch {
	case s.Bavail*uint64(s.Bsize) < minFree:
		return ErrDisk
	case s.Files > 0 && s.Ffree < s.Files/50:
		return inodesError{}
	}
	return nil
}

// watchDisk returns ErrDisk when the disk is nearly full. No file system but btrfs holds an instance to its limit, and a full disk
// hurts everybody.
func watchDisk(dir string, ended <-chan struct{}) error {
	tick := time.NewTicker(diskEvery)
	defer tick.Stop()
	for {
		var s unix.Statfs_t
		if err := unix.Statfs(dir, &s); err == nil {
			if err := full(s); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ended:
			return nil
		}
	}
}

// destroy removes an instance, whatever became of ctx. What cannot be removed now is removed by the next try, or by fleet
// after a restart.
func (w *work) destroy(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	if err := w.b.cfg.Driver.Destroy(ctx, id); err != nil {
		w.b.cfg.Log.Warn("an instance of a build could not be removed", "instance_id", id, "operation_id", w.r.Operation, "error", err)
	}
}
