//go:build linux && cgo

package container

import (
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// onThread runs fn in a goroutine that has a thread to itself, so that fn may change the thread's namespaces. If the
// thread is back in the host's when fn returns, it is used again; if fn says it is not, it ends.
func onThread(fn func() (home bool)) {
	go func() {
		runtime.LockOSThread()
		if fn() {
			runtime.UnlockOSThread()
		}
	}()
}

// hostNamespace is the network namespace that this process was started in. The thread that asks is in it: no
// goroutine but those of onThread runs anywhere else.
var hostNamespace = sync.OnceValues(func() (*os.File, error) { return os.Open("/proc/thread-self/ns/net") })

// enter moves the calling thread into the network namespace.
func enter(ns *os.File) error {
	raw, err := ns.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.Setns(int(fd), unix.CLONE_NEWNET) }); err != nil {
		return err
	}
	return os.NewSyscallError("setns", failed)
}
