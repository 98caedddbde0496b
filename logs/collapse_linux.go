package logs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// probeCollapse finds out by doing it whether the file system of dir can cut off the front of a file in place, and
// in units of how many bytes. 0: it can't.
func probeCollapse(dir string) (int64, error) {
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil { // at once: nothing is left after kill -9
		return 0, err
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return 0, fmt.Errorf("block size of %s: %w", dir, err)
	}
	block := max(int64(st.Bsize), 4096)
	if _, err := f.Write(make([]byte, block+1)); err != nil {
		return 0, err
	}
	if collapse(f, block) != nil {
		return 0, nil
	}
	return block, nil
}

func collapse(f *os.File, length int64) error {
	if err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_COLLAPSE_RANGE, 0, length); err != nil {
		return fmt.Errorf("cut %d bytes off the front: %w", length, err)
	}
	return nil
}

// removeClosed removes the file unless some process, in whatever namespace, holds it open: the kernel grants a write
// lease only to the one that has the file open alone. It reports whether the file is gone.
func removeClosed(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close() // ends the lease
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		if errors.Is(err, unix.EAGAIN) {
			return false, nil
		}
		return false, fmt.Errorf("find out whether %s is in use: %w", path, err)
	}
	err = os.Remove(path)
	return err == nil, err
}
