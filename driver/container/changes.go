//go:build linux && cgo

package container

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"apron/driver"
)

var _ driver.Changer = (*Driver)(nil)

// Changes returns the upper directory of an instance that has ended; see driver.Changer. Repeating it changes nothing
// more.
func (d *Driver) Changes(ctx context.Context, id string) (string, error) {
	inst := d.find(id)
	if inst == nil {
		return "", driver.ErrNotFound
	}
	if err := inst.acquire(ctx); err != nil {
		return "", err
	}
	defer inst.release()
	if d.find(id) != inst {
		return "", driver.ErrNotFound // destroyed meanwhile
	}
	if p := inst.current(); p == nil || !p.hasEnded() {
		return "", driver.ErrNotEnded
	}
	upper := filepath.Join(d.dir(id), "upper")
	err := d.withdraw(id, upper)
	if err == nil {
		err = unmapOwners(ctx, upper, idBase(inst.recorded().Address))
	}
	if err != nil {
		return "", fmt.Errorf("collect the changes of instance %s: %w", id, err)
	}
	return upper, nil
}

// withdraw takes away what the driver has put into the root. The files in /etc are no image's: every start writes its
// own. A mount point goes if nothing was put beside it.
func (d *Driver) withdraw(id, upper string) error {
	for _, name := range etcFiles {
		if err := removeInside(upper, filepath.Join("etc", name), 0); err != nil {
			return err
		}
	}
	var made []string
	if _, err := readRecord(d.dir(id), madeFile, &made); err != nil {
		return err
	}
	for _, dir := range slices.Backward(made) {
		err := removeInside(upper, strings.Trim(dir, "/"), unix.AT_REMOVEDIR)
		if err != nil && !errors.Is(err, unix.ENOTEMPTY) {
			return err
		}
	}
	return nil
}

// removeInside removes what unlinkat with these flags can remove at a path below dir. What is there no more, is of
// another kind or lies behind a link is not what the driver made: the build may have put a link in a directory's place,
// and followed here it would lead to files of this machine.
func removeInside(dir, path string, flags int) error {
	parent, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer func() { _ = unix.Close(parent) }()
	at, err := unix.Openat2(parent, filepath.Dir(path), &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if err == nil {
		err = unix.Unlinkat(at, filepath.Base(path), flags)
		_ = unix.Close(at)
	}
	for _, other := range []error{unix.ENOENT, unix.ENOTDIR, unix.EISDIR, unix.ELOOP} {
		if errors.Is(err, other) {
			return nil
		}
	}
	if err != nil {
		return &os.PathError{Op: "remove", Path: path, Err: err}
	}
	return nil
}

// unmapOwners gives every file the owner on the disk that it had inside, where ids began at base. What has been done
// before a crash is out of the range, and is not done again.
func unmapOwners(ctx context.Context, dir string, base int) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		uid, gid := unmapped(st.Uid, base), unmapped(st.Gid, base)
		if uid == int(st.Uid) && gid == int(st.Gid) {
			return nil
		}
		return chownWhole(path, st.Mode, uid, gid)
	})
}

func unmapped(id uint32, base int) int {
	if n := int(id) - base; n >= 0 && n < idCount {
		return n
	}
	return int(id)
}

// chownWhole keeps what the kernel takes from a file that changes its owner: the bits of setuid programs and file
// capabilities. Those come back in the form that belongs to no namespace, as images have them.
func chownWhole(path string, mode uint32, uid, gid int) error {
	if mode&unix.S_IFMT != unix.S_IFREG {
		return os.Lchown(path, uid, gid)
	}
	caps, err := fileCapability(path)
	if err != nil {
		return err
	}
	if err := os.Lchown(path, uid, gid); err != nil {
		return err
	}
	if mode&(unix.S_ISUID|unix.S_ISGID) != 0 {
		if err := unix.Chmod(path, mode&0o7777); err != nil {
			return &os.PathError{Op: "chmod", Path: path, Err: err}
		}
	}
	if caps == nil {
		return nil
	}
	if err := unix.Lsetxattr(path, capabilityXattr, caps, 0); err != nil {
		return &os.PathError{Op: "set the capabilities of", Path: path, Err: err}
	}
	return nil
}

const capabilityXattr = "security.capability"

// The forms of a file capability, as in the kernel's include/uapi/linux/capability.h: the third adds the id of the
// namespace's root to the second.
const (
	capRevisionMask = 0xff
	capRevision2    = 2
	capRevision3    = 3
	capSize2        = 20
	capSize3        = 24
)

// fileCapability returns a file's capabilities without the namespace they belong to, nil if it has none.
func fileCapability(path string) ([]byte, error) {
	buf := make([]byte, capSize3)
	n, err := unix.Lgetxattr(path, capabilityXattr, buf)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, &os.PathError{Op: "read the capabilities of", Path: path, Err: err}
	}
	if n == capSize3 && buf[3]&capRevisionMask == capRevision3 {
		buf[3], n = capRevision2, capSize2
	}
	return buf[:n], nil
}
