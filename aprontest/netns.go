package aprontest

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// isNamespace tells whether the link at path, which shows this target, is to one of the traced network namespaces.
func (t *Trace) isNamespace(target, path string) bool {
	want, ok := t.namespaces[target]
	if !ok {
		return false
	}
	cookie, err := netCookie(path)
	return err == nil && cookie == want
}

// netCookie asks a network namespace for the number that is its own for as long as the machine runs.
func netCookie(path string) (cookie uint64, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread, which is elsewhere now, ends with the goroutine
		var ns, socket int
		if ns, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		defer unix.Close(ns)
		if err = unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
			return
		}
		if socket, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return
		}
		defer unix.Close(socket)
		cookie, err = unix.GetsockoptUint64(socket, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	}()
	<-done
	return cookie, err
}
