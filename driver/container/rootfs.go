//go:build linux && cgo

package container

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLayers is what OCI images are limited to by the field's other runtimes; mount options for it stay below the
// one page that the kernel takes.
const maxLayers = 127

// mountRoot mounts an overlay of the layers (lowest first) on dir/rootfs, with a fresh writable layer in dir.
//
// Every directory is named by a descriptor of it: that keeps the option string under 3 KB for 127 layers on any
// kernel, where lowerdir+ needs 6.5, and needs no escaping of colons and commas in paths.
func mountRoot(dir string, layers []string) error {
	for _, sub := range []string{"rootfs", "upper", "work"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	var open fdPaths
	defer open.close()
	lower := make([]string, 0, len(layers))
	for i := len(layers) - 1; i >= 0; i-- { // overlay wants the topmost first
		lower = append(lower, open.add(layers[i]))
	}
	options := "lowerdir=" + strings.Join(lower, ":") +
		",upperdir=" + open.add(filepath.Join(dir, "upper")) + ",workdir=" + open.add(filepath.Join(dir, "work"))
	if open.err != nil {
		return open.err
	}
	return mountOverlay(filepath.Join(dir, "rootfs"), options)
}

// mountOverlay mounts with "volatile" where the kernel has it (5.10): nothing of a writable layer outlives its
// instance, so an instance's fsync need not reach the disk.
func mountOverlay(target, options string) error {
	err := unix.Mount("overlay", target, "overlay", unix.MS_NODEV, options+",volatile")
	if errors.Is(err, unix.EINVAL) {
		err = unix.Mount("overlay", target, "overlay", unix.MS_NODEV, options)
	}
	if err != nil {
		return fmt.Errorf("mount overlay on %s: %w", target, err)
	}
	return nil
}

// unmountRoot removes whatever is mounted on dir/rootfs. Nothing there is success. The mount is detached, so what is
// still open in it cannot hold up the end of an instance.
func unmountRoot(dir string) error {
	target := filepath.Join(dir, "rootfs")
	for {
		switch err := unix.Unmount(target, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); {
		case err == nil:
			continue // a Start that was repeated by hand may have mounted twice
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
			return nil
		default:
			return fmt.Errorf("unmount %s: %w", target, err)
		}
	}
}

// fdPaths holds directories open and names them by their descriptors.
type fdPaths struct {
	fds []int
	err error
}

func (p *fdPaths) add(dir string) string {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		p.err = errors.Join(p.err, &os.PathError{Op: "open", Path: dir, Err: err})
		return ""
	}
	p.fds = append(p.fds, fd)
	return "/proc/self/fd/" + strconv.Itoa(fd)
}

func (p *fdPaths) close() {
	for _, fd := range p.fds {
		_ = unix.Close(fd) // O_PATH descriptors have nothing to lose
	}
}

// rootDir reads and writes inside an instance's root before its first process runs. Symbolic links resolve as they
// would inside, so no image leads it out.
type rootDir struct{ fd int }

func openRoot(path string) (rootDir, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return rootDir{}, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return rootDir{fd}, nil
}

func (r rootDir) close() { _ = unix.Close(r.fd) }

func (r rootDir) open(path string, flags int) (*os.File, error) {
	if flags&unix.O_PATH == 0 {
		flags |= unix.O_NONBLOCK // never wait for the other end of a fifo
	}
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	var err error
	for range 32 { // a mount or rename anywhere on the host meanwhile makes the kernel ask for another try
		var fd int
		if fd, err = unix.Openat2(r.fd, path, &how); err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			break
		}
	}
	return nil, &os.PathError{Op: "open", Path: path, Err: err}
}

// replace puts a file with the content at dir/name, whatever was there: a link of the image is replaced, not
// followed. dir is made when it is missing.
func (r rootDir) replace(dir, name, content string) error {
	if err := unix.Mkdirat(r.fd, dir, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
		return &os.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	d, err := r.open(dir, unix.O_DIRECTORY|unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer d.Close()
	at := int(d.Fd())
	if err := unix.Unlinkat(at, name, 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return &os.PathError{Op: "remove", Path: filepath.Join(dir, name), Err: err}
	}
	fd, err := unix.Openat(at, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return &os.PathError{Op: "create", Path: filepath.Join(dir, name), Err: err}
	}
	f := os.NewFile(uintptr(fd), name)
	_, err = f.WriteString(content)
	return errors.Join(err, f.Chmod(0o644), f.Close())
}
