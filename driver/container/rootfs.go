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

// rootPoint is where the root of every instance is mounted while it is being made. Each is there in a mount namespace
// of the making thread's own, so the host never sees it and a crash takes it away. Root of a user namespace must be
// able to walk there: the data directory lets nobody in.
const rootPoint = "/run/apron-root"

// ownMounts gives the calling thread a mount namespace of its own. The thread can't go back.
func ownMounts() error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	// What the host unmounts meanwhile goes here too, and nothing goes from here to the host.
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, "")
	if errors.Is(err, unix.EINVAL) {
		return errors.New("the root directory is not a mount point, as in a chroot")
	}
	if err != nil {
		return fmt.Errorf("keep mounts from the host: %w", err)
	}
	return nil
}

// mountRoot mounts an overlay of the layers (lowest first) on rootPoint, with a fresh writable layer in dir. The thread
// must have its own mounts. The mount bears the name.
//
// Every directory is named by a descriptor of it: that keeps the option string under 3 KB for 127 layers on any
// kernel, where lowerdir+ needs 6.5, and needs no escaping of colons and commas in paths.
func mountRoot(dir, name string, layers []string, u users) error {
	if err := errors.Join(os.MkdirAll(rootPoint, 0o711), os.Chmod(rootPoint, 0o711)); err != nil { // whatever the umask
		return err
	}
	var open fdPaths
	defer open.close()
	lower := make([]string, 0, len(layers))
	for i := len(layers) - 1; i >= 0; i-- { // overlay wants the topmost first
		lower = append(lower, open.addLayer(layers[i], u))
	}
	options := "lowerdir=" + strings.Join(lower, ":") + ",upperdir=" + open.addNew(dir, "upper", u) + ",workdir=" + open.addNew(dir, "work", u)
	if open.err != nil {
		return open.err
	}
	// These keep parts of a change elsewhere than in the file that changed, and so out of a layer made of it. A machine
	// can have them on unasked.
	options += ",redirect_dir=off,metacopy=off"
	return mountOverlay(name, options)
}

// mountOverlay mounts with "volatile" where the kernel has it (5.10): nothing of a writable layer outlives its
// instance, so an instance's fsync need not reach the disk.
func mountOverlay(name, options string) error {
	err := unix.Mount(name, rootPoint, "overlay", unix.MS_NODEV, options+",volatile")
	if errors.Is(err, unix.EINVAL) {
		err = unix.Mount(name, rootPoint, "overlay", unix.MS_NODEV, options)
	}
	if err != nil {
		return fmt.Errorf("mount overlay: %w", err)
	}
	return nil
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
	return fdPath(fd)
}

// addNew makes the directory, for root of the instance.
func (p *fdPaths) addNew(dir, name string, u users) string {
	path := filepath.Join(dir, name)
	err := os.Mkdir(path, 0o755)
	if err == nil && u.exist() {
		err = os.Chown(path, u.onHost(0), u.onHost(0))
	}
	p.err = errors.Join(p.err, err)
	return p.add(path)
}

// addLayer adds a layer as the instance is to see it: an id on the disk is the same id inside. The mount that does
// this is the thread's own; on kernels before 6.15 an overlay takes none that is not in its mount namespace, so it is
// put below the place of the root.
func (p *fdPaths) addLayer(dir string, u users) string {
	if !u.exist() {
		return p.add(dir)
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		p.err = errors.Join(p.err, &os.PathError{Op: "open_tree", Path: dir, Err: err})
		return ""
	}
	p.fds = append(p.fds, fd)
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(u.ns.Fd())}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, attr); err != nil {
		p.err = errors.Join(p.err, &os.PathError{Op: "map the ids of", Path: dir, Err: err})
	}
	if err := unix.MoveMount(fd, "", unix.AT_FDCWD, rootPoint, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		p.err = errors.Join(p.err, &os.PathError{Op: "move_mount", Path: dir, Err: err})
	}
	return fdPath(fd)
}

func fdPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

func (p *fdPaths) close() {
	for _, fd := range p.fds {
		_ = unix.Close(fd) // O_PATH descriptors have nothing to lose
	}
}

// rootDir reads and writes inside an instance's root before its first process runs. Symbolic links resolve as they
// would inside, so no image leads it out.
type rootDir struct {
	fd int
	u  users
}

func openRoot(u users) (rootDir, error) {
	fd, err := unix.Open(rootPoint, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return rootDir{}, &os.PathError{Op: "open", Path: rootPoint, Err: err}
	}
	return rootDir{fd, u}, nil
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
	made := unix.Mkdirat(r.fd, dir, 0o755)
	if made != nil && !errors.Is(made, unix.EEXIST) {
		return &os.PathError{Op: "mkdir", Path: dir, Err: made}
	}
	d, err := r.open(dir, unix.O_DIRECTORY|unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer d.Close()
	if made == nil {
		if err := r.u.own(d, 0, 0); err != nil {
			return err
		}
	}
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
	return errors.Join(err, f.Chmod(0o644), r.u.own(f, 0, 0), f.Close())
}
