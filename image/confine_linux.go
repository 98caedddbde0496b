package image

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// syncTree makes everything under path durable. One syncfs costs less than an fsync for each of a layer's thousands of
// files, and also covers owners, modes and extended attributes.
func syncTree(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(d.Fd())), d.Close())
}

// confined runs fn on a thread of its own whose working directory is root and whose root fn may change. The unpacker
// keeps inside its directory by itself; that its thread has no other directory is the second wall. The thread ends
// with fn.
func confined(root string, fn func() error) error {
	errc := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// The main thread's root is what /proc/self/root and /proc/self/mountinfo show: leave it alone.
			defer runtime.UnlockOSThread()
			errc <- confined(root, fn)
			return
		}
		errc <- guard(func() error { return confine(root, fn) })
	}()
	return <-errc
}

func confine(root string, fn func() error) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("%w: %w", errConfine, err)
	}
	if err := unix.Chdir(root); err != nil {
		return err
	}
	return fn()
}
