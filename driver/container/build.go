//go:build linux && cgo

package container

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"apron/driver"
	"apron/image"
)

const (
	// buildWeight is a build's share of a CPU: a sixteenth of what a service gets for each vCPU.
	buildWeight = 64

	// madeFile names the mount points that a build's root lacked, so that Changes can leave them out.
	madeFile = "made.json"
)

// buildCapabilities are what root in a build may do besides: packages put file capabilities on programs such as ping.
// Everything else that apt-get, dpkg, pip and npm do as root is in the instances' set.
var buildCapabilities = append(slices.Clone(capabilities), "CAP_SETFCAP")

func capabilitiesOf(s driver.Spec) []string {
	if s.Build != nil {
		return buildCapabilities
	}
	return capabilities
}

func checkBuild(b *driver.Build) error {
	for _, dir := range b.Layers {
		if !filepath.IsAbs(dir) {
			return fmt.Errorf("layer %q of a build is not absolute", dir)
		}
	}
	for _, m := range b.Mounts {
		if !filepath.IsAbs(m.Source) || !filepath.IsAbs(m.Target) || filepath.Clean(m.Target) == "/" {
			return fmt.Errorf("mount of %q at %q: both must be absolute, and the target not the root", m.Source, m.Target)
		}
	}
	return nil
}

// layersOf lists the lower directories of an instance's root, lowest first.
func layersOf(dir string, s driver.Spec, img image.Image) ([]string, error) {
	var all []string
	if s.Host {
		base := filepath.Join(dir, "host")
		if err := makeHostBase(base); err != nil {
			return nil, fmt.Errorf("make the host base: %w", err)
		}
		all = append(all, base)
	}
	all = append(all, img.Layers...)
	if s.Build != nil {
		all = append(all, s.Build.Layers...)
	}
	return all, nil
}

// mountCaches mounts what a build keeps from one time to the next, and notes the directories it made for that.
func (d *Driver) mountCaches(root rootDir, s driver.Spec) error {
	var made []string
	for _, m := range s.Build.Mounts {
		dirs, err := root.mkdirAll(m.Target)
		made = append(made, dirs...)
		if err != nil {
			return fmt.Errorf("make the mount point %s: %w", m.Target, err)
		}
		attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
		if root.u.exist() {
			attr.Attr_set |= unix.MOUNT_ATTR_IDMAP
			attr.Userns_fd = uint64(root.u.ns.Fd())
		}
		if err := root.mount(m.Source, m.Target, attr); err != nil {
			return err
		}
	}
	if len(made) == 0 {
		return nil
	}
	return writeRecord(d.dir(s.ID), madeFile, made)
}

// mkdirAll makes a directory inside, for root of the instance, and returns those that were missing, by the path that
// links on the way lead to.
func (r rootDir) mkdirAll(path string) (made []string, err error) {
	at := "/"
	for name := range strings.SplitSeq(strings.Trim(filepath.Clean(path), "/"), "/") {
		dir, err := r.mkdir(at, name)
		if err != nil {
			return made, err
		}
		if dir != "" {
			made = append(made, dir)
		}
		at = filepath.Join(at, name)
	}
	return made, nil
}

// mkdir returns "" if there is such a directory.
func (r rootDir) mkdir(parent, name string) (made string, err error) {
	d, err := r.open(parent, unix.O_DIRECTORY|unix.O_PATH)
	if err != nil {
		return "", err
	}
	defer d.Close()
	err = unix.Mkdirat(int(d.Fd()), name, 0o755)
	if errors.Is(err, unix.EEXIST) {
		return "", nil
	}
	if err != nil {
		return "", &os.PathError{Op: "mkdir", Path: filepath.Join(parent, name), Err: err}
	}
	if r.u.exist() {
		if err := unix.Fchownat(int(d.Fd()), name, r.u.onHost(0), r.u.onHost(0), unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return "", &os.PathError{Op: "chown", Path: filepath.Join(parent, name), Err: err}
		}
	}
	at, err := os.Readlink(fdPath(int(d.Fd())))
	if err != nil {
		return "", err
	}
	return filepath.Join("/", strings.TrimPrefix(at, rootPoint), name), nil
}

// mount mounts a directory of the host at a directory inside. The mount is one of the making thread alone, and
// instances cannot take it away or change its attributes.
func (r rootDir) mount(source, target string, attr unix.MountAttr) error {
	at, err := r.open(target, unix.O_DIRECTORY|unix.O_PATH)
	if err != nil {
		return err
	}
	defer at.Close()
	fd, err := unix.OpenTree(unix.AT_FDCWD, source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return &os.PathError{Op: "open_tree", Path: source, Err: err}
	}
	defer unix.Close(fd) // the mount stays
	err = unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &attr)
	if errors.Is(err, unix.ENOSYS) {
		return errors.New("builds with caches and the host base need Linux 5.12 or later")
	}
	if err != nil {
		return &os.PathError{Op: "mount_setattr", Path: source, Err: err}
	}
	if err := unix.MoveMount(fd, "", int(at.Fd()), "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return &os.PathError{Op: "mount at " + target, Path: source, Err: err}
	}
	return nil
}
