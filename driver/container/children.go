//go:build linux && cgo

package container

import (
	"context"
	"sync"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"
)

// children are the processes that a closed Driver of this process has started and left running. They stay this process's to
// collect when they end, also when another Driver, of this process or of another one, looks after them by then.
var children struct {
	mu   sync.Mutex
	left map[int]*libcontainer.Process
}

func leaveChild(p *process) {
	if p.child == nil || p.hasEnded() {
		return
	}
	children.mu.Lock()
	defer children.mu.Unlock()
	if children.left == nil {
		children.left = map[int]*libcontainer.Process{}
	}
	children.left[p.pid] = p.child
}

// takeChild returns the child with that pid, once, or nil.
func takeChild(pid int) *libcontainer.Process {
	children.mu.Lock()
	defer children.mu.Unlock()
	child := children.left[pid]
	delete(children.left, pid)
	return child
}

const collectEvery = 100 * time.Millisecond

// CollectChildren collects, until ctx is done, the status of instances that closed Drivers of this process have started, as
// they end: else each would remain as a zombie for as long as this process lives. It is for a process in which no Driver is
// open any more. The one that looks after the instances reads how they ended meanwhile, as soon as they do.
func CollectChildren(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(collectEvery):
		}
		children.mu.Lock()
		for pid := range children.left {
			if got, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); got == pid || err == unix.ECHILD {
				delete(children.left, pid)
			}
		}
		children.mu.Unlock()
	}
}
