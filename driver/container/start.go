//go:build linux && cgo

package container

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"
	"golang.org/x/sys/unix"

	"apron/driver"
	"apron/image"
)

const (
	startTimeout   = 30 * time.Second // a start takes some hundredths of a second; this ends one that hangs
	defaultDiskMiB = 3072             // App Runner's

	eraseTimeout = 15 * time.Second // for what is left after a start that failed, also when its caller is gone
)

// Start makes and starts the instance; see driver.Driver.
func (d *Driver) Start(ctx context.Context, spec driver.Spec) error {
	if err := d.checkSpec(spec); err != nil {
		return err
	}
	go warmCgroups() // ends by itself, within some hundredths of a second
	img, err := d.image(ctx, spec)
	if err != nil {
		return err
	}
	inst := newInstance(spec.ID)
	inst.busy <- struct{}{} // nobody else knows it yet
	defer inst.release()
	if !d.add(inst) {
		return driver.ErrExists
	}
	if err := makeInstanceDir(d.dir(spec.ID), cmp.Or(spec.DiskMiB, defaultDiskMiB)); err != nil {
		d.forget(spec.ID)
		if errors.Is(err, fs.ErrExist) {
			return driver.ErrExists
		}
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("the instance was not up after %s", startTimeout))
	defer cancel()
	if err := d.make(ctx, inst, img, spec); err != nil {
		return d.undo(ctx, inst, err)
	}
	return nil
}

// image finds what the instance is to be made of, and whether that can be.
func (d *Driver) image(ctx context.Context, spec driver.Spec) (image.Image, error) {
	if spec.Image == "" && spec.Host {
		img := image.Image{Architecture: runtime.GOARCH}
		return img, checkImage(img, spec)
	}
	img, err := d.cfg.Image(ctx, spec.Image)
	if missing, ok := errors.AsType[*image.MissingError](err); ok {
		return image.Image{}, imageError("%v", missing)
	}
	if err != nil {
		return image.Image{}, fmt.Errorf("find image %s: %w", spec.Image, err)
	}
	return img, checkImage(img, spec)
}

func (d *Driver) checkSpec(s driver.Spec) error {
	switch {
	case !isID(s.ID):
		return fmt.Errorf("instance id %q is not 32 lower-case hexadecimal digits", s.ID)
	case !filepath.IsAbs(s.LogPath):
		return fmt.Errorf("log path %q is not absolute", s.LogPath)
	case s.CPU <= 0 || s.Memory <= 0:
		return fmt.Errorf("instance needs limits: cpu %d, memory %d", s.CPU, s.Memory)
	}
	if s.Host {
		if err := d.checkHost(); err != nil {
			return err
		}
	}
	if s.Build != nil {
		return checkBuild(s.Build)
	}
	return nil
}

// undo removes what a failed start has made, whatever became of its context.
func (d *Driver) undo(ctx context.Context, inst *instance, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eraseTimeout)
	defer cancel()
	if err := d.erase(ctx, inst); err != nil {
		return fmt.Errorf("%w; %w: %w", cause, driver.ErrLeftover, err)
	}
	reapOrphans(inst.id)
	return cause
}

// make goes from an empty directory to a running process. What it does before a crash, erase finds by the id.
func (d *Driver) make(ctx context.Context, inst *instance, img image.Image, spec driver.Spec) error {
	s, err := d.slot(ctx, !spec.NoEgress)
	if err != nil {
		return err
	}
	rec := record{Spec: spec, Address: s.address}
	inst.set(rec, nil)
	p, err := d.launch(ctx, rec, img, s)
	if err != nil {
		return errors.Join(err, s.close()) // erase frees the address
	}
	_ = s.users.close() // the process holds it now
	inst.set(rec, p)
	go d.watch(spec, p)
	return nil
}

func (d *Driver) launch(ctx context.Context, rec record, img image.Image, s slot) (*process, error) {
	dir := d.dir(rec.Spec.ID)
	if err := writeRecord(dir, specFile, rec); err != nil {
		return nil, err
	}
	var child *libcontainer.Process
	err := onOwnThread(func() (err error) {
		child, err = d.build(ctx, rec, img, s)
		return err
	})
	if err == nil {
		err = d.yield(rec.Spec)
	}
	if err != nil {
		return nil, err
	}
	return d.identify(rec.Spec.ID, child, s)
}

// build makes the root and runs the program in it, on a thread that then ends: the root is mounted in a mount namespace
// of the thread alone, and the first process of the instance comes from there.
func (d *Driver) build(ctx context.Context, rec record, img image.Image, s slot) (*libcontainer.Process, error) {
	if err := ownMounts(); err != nil {
		return nil, err
	}
	prog, err := d.prepareRoot(rec, img, s.users)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	return d.execute(ctx, rec.Spec, prog, s)
}

// prepareRoot mounts the root, writes the instance's own files into it and finds the program in it.
func (d *Driver) prepareRoot(rec record, img image.Image, u users) (program, error) {
	layers, err := layersOf(d.dir(rec.Spec.ID), rec.Spec, img)
	if err != nil {
		return program{}, err
	}
	if err := mountRoot(d.dir(rec.Spec.ID), rec.Spec.ID, layers, u); err != nil {
		return program{}, err
	}
	root, err := openRoot(u)
	if err != nil {
		return program{}, err
	}
	defer root.close()
	if err := d.fillRoot(root, rec); err != nil {
		return program{}, err
	}
	prog, err := newProgram(root, img, rec.Spec)
	if err != nil {
		return program{}, err
	}
	return prog, u.check(prog)
}

func (d *Driver) fillRoot(root rootDir, rec record) error {
	if err := d.writeFiles(root, rec); err != nil {
		return err
	}
	if rec.Spec.Host {
		if err := mountHost(root); err != nil {
			return err
		}
	}
	if rec.Spec.Build != nil {
		return d.mountCaches(root, rec.Spec)
	}
	return nil
}

// execute runs the program in a new container. The end of ctx kills it, which also ends a libcontainer that hangs.
func (d *Driver) execute(ctx context.Context, spec driver.Spec, prog program, s slot) (*libcontainer.Process, error) {
	dir := d.dir(spec.ID)
	config, err := d.isolation(spec, s)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(spec.LogPath, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the instance's log: %w", err)
	}
	defer log.Close()
	if err := s.users.own(log, prog.uid, prog.gid); err != nil { // or it could not be opened as /dev/stdout
		return nil, err
	}
	c, err := libcontainer.Create(filepath.Join(dir, "libcontainer"), spec.ID, config)
	if err != nil {
		return nil, fmt.Errorf("create container: %w", err)
	}
	child := prog.process(log, capabilitiesOf(spec))
	stop := context.AfterFunc(ctx, func() { d.killGroup(spec.ID) })
	err = c.Run(child)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, startError(ctx, prog, err)
	}
	return child, nil
}

func (p program) process(log *os.File, bounding []string) *libcontainer.Process {
	allowed := &configs.Capabilities{Bounding: bounding}
	if p.uid == 0 { // another user has none, and none to look for the program with
		allowed.Effective, allowed.Permitted = bounding, bounding
	}
	return &libcontainer.Process{
		Capabilities: allowed,
		Args:         p.args, Env: p.env, Cwd: p.dir, UID: p.uid, GID: p.gid, AdditionalGroups: p.groups,
		Stdout: log, Stderr: log, // a nil Stdin is /dev/null
		Init: true, LogLevel: "3",
	}
}

func (d *Driver) killGroup(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), eraseTimeout)
	defer cancel()
	g, err := d.group(id)
	if err == nil {
		err = g.kill(ctx)
	}
	if err != nil {
		d.cfg.Log.Warn("processes of a start that was given up could not be killed", "instance_id", id, "error", err)
	}
}

// startError tells the image's faults, which libcontainer's first process met inside, from the host's.
func startError(ctx context.Context, prog program, err error) error {
	text := err.Error()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("start container: %w", context.Cause(ctx))
	case strings.Contains(text, "exec: "):
		return imageError("the program %q cannot be executed by user %d of the image: %s", prog.args[0], prog.uid, text[strings.Index(text, "exec: "):])
	case strings.Contains(text, "chdir to cwd"):
		return imageError("the image's working directory %q cannot be entered by user %d: %s", prog.dir, prog.uid, text)
	}
	return fmt.Errorf("start container: %w", err)
}

// identify writes down who the first process is, which makes the instance whole.
func (d *Driver) identify(id string, child *libcontainer.Process, s slot) (*process, error) {
	pid, err := child.Pid()
	if err != nil {
		return nil, err
	}
	p, err := openProcess(pid, s.ns, child)
	if err != nil {
		return nil, err
	}
	p.startedAt = time.Now().UTC()
	done := started{PID: pid, At: p.startedAt}
	now, err := readStat(pid)
	if err == nil {
		p.startTicks, done.StartTicks = now.startTicks, now.startTicks
		done.BootID, err = bootID()
	}
	if err == nil {
		err = writeRecord(d.dir(id), startedFile, done)
	}
	if err != nil {
		return nil, errors.Join(err, p.pidfd.Close())
	}
	return p, nil
}
