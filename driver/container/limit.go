//go:build linux && cgo

package container

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// makeInstanceDir makes an instance's directory, which holds all that it writes. On btrfs it is a subvolume with a limit of
// its own, where quota groups are enabled; elsewhere nothing holds the instance to its limit. (ext4 and xfs have
// project quotas for this; no kernel that had them was there to build it on.) os.RemoveAll removes a subvolume as it does
// any directory. An error is fs.ErrExist if the directory is there.
func makeInstanceDir(path string, limitMiB int) error {
	if !onBtrfs(filepath.Dir(path)) {
		return os.Mkdir(path, 0o700)
	}
	if err := makeSubvolume(path); err != nil {
		return err
	}
	if err := limitSubvolume(path, limitMiB); err != nil && !quotasDisabled(err) {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func onBtrfs(dir string) bool {
	var s unix.Statfs_t
	return unix.Statfs(dir, &s) == nil && s.Type == unix.BTRFS_SUPER_MAGIC
}

// quotasDisabled tells whether the file system was never told to count: the kernel has said so in two ways.
func quotasDisabled(err error) bool {
	return errors.Is(err, unix.ENOTCONN) || errors.Is(err, unix.EINVAL)
}

// The requests and their arguments, as in the kernel's include/uapi/linux/btrfs.h.
const (
	btrfsSubvolCreate = 0x5000940e
	btrfsQgroupLimit  = 0x8030942b
	btrfsMaxReferred  = 1 << 0
)

type btrfsVolume struct {
	_    int64
	name [4088]byte
}

type btrfsLimit struct {
	group                            uint64 // 0 is that of the subvolume asked
	flags, maxReferred, maxExclusive uint64
	_, _                             uint64
}

func makeSubvolume(path string) error {
	args := &btrfsVolume{}
	copy(args.name[:len(args.name)-1], filepath.Base(path))
	if err := btrfs(filepath.Dir(path), btrfsSubvolCreate, unsafe.Pointer(args)); err != nil {
		return fmt.Errorf("make subvolume %s: %w", path, err)
	}
	return os.Chmod(path, 0o700)
}

func limitSubvolume(path string, mib int) error {
	args := &btrfsLimit{flags: btrfsMaxReferred, maxReferred: uint64(mib) << 20}
	if err := btrfs(path, btrfsQgroupLimit, unsafe.Pointer(args)); err != nil {
		return fmt.Errorf("limit subvolume %s: %w", path, err)
	}
	return nil
}

func btrfs(dir string, request uintptr, args unsafe.Pointer) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), request, uintptr(args)); errno != 0 {
		return os.NewSyscallError("ioctl", errno)
	}
	return nil
}

// checkDiskLimit tries to limit a subvolume in dir.
func checkDiskLimit(dir string) (string, error) {
	const open = "the limit of an instance's storage (3 GB) is not enforced"
	if !onBtrfs(dir) {
		return "", errors.New(open + ": the data directory is not on btrfs")
	}
	tmp, err := trialDir(dir)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	trial := filepath.Join(tmp, "subvolume")
	if err := errors.Join(makeSubvolume(trial), limitSubvolume(trial, 1)); err != nil {
		return "", fmt.Errorf("%s: %w", open, err)
	}
	return "3 GB an instance, by btrfs quota groups", nil
}
