//go:build linux && cgo

package container

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"apron/driver"
)

// statusWait is how long an ended process that is not our child may take to be collected by its parent, usually the
// host's init. Only then does the kernel give its status out.
const statusWait = 500 * time.Millisecond

// watch waits for the end of the instance, tells it, and writes it down for the next server. It runs in a goroutine
// of its own for as long as the instance does, without holding a thread, and ends early when pidfd is closed.
func (d *Driver) watch(spec driver.Spec, p *process) {
	defer close(p.closed)
	id := spec.ID
	if _, err := p.poll(unix.POLLIN, time.Time{}); err != nil {
		return // Close: the instance goes on without us
	}
	p.exit = p.status()
	if g, err := d.group(id); err == nil {
		p.exit.OOM = oom(g, spec, p.exit)
	}
	close(p.ended)
	if err := writeRecord(d.dir(id), exitFile, p.exit); err != nil {
		d.cfg.Log.Warn("the end of an instance could not be recorded", "instance_id", id, "error", err)
	}
}

// poll waits until the pidfd shows one of the events: POLLIN when the process has ended, and with it everything in
// its pid namespace, POLLHUP when its status was collected.
func (p *process) poll(events int16, deadline time.Time) (int16, error) {
	if err := p.pidfd.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	raw, err := p.pidfd.SyscallConn()
	if err != nil {
		return 0, err
	}
	var seen int16
	err = raw.Read(func(fd uintptr) bool {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		_, _ = unix.Poll(fds, 0)
		seen = fds[0].Revents
		return seen&events != 0
	})
	return seen, err
}

// status collects how the process ended: as its parent, or as long as its parent has not, or from the pidfd after
// that where the kernel can (6.15). Otherwise nobody knows.
func (p *process) status() driver.Exit {
	exit := driver.Exit{Code: -1, At: time.Now().UTC()}
	child := p.child
	if child == nil {
		child = takeChild(p.pid)
	}
	if child != nil {
		state, _ := child.Wait() // an exit code other than 0 is an error too
		if state != nil {
			if w, ok := state.Sys().(syscall.WaitStatus); ok {
				return exited(exit, w)
			}
		}
		return exit
	}
	if s, err := readStat(p.pid); err == nil && s.zombie && s.startTicks == p.startTicks {
		return exited(exit, s.exit)
	}
	if _, err := p.poll(unix.POLLHUP, time.Now().Add(statusWait)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return exit
	}
	if w, ok := p.pidfdStatus(); ok {
		return exited(exit, w)
	}
	return exit
}

func exited(e driver.Exit, w syscall.WaitStatus) driver.Exit {
	e.Code = w.ExitStatus()
	if w.Signaled() {
		e.Signal = int(w.Signal())
		e.Code = 128 + e.Signal
	}
	return e
}

// pidfdInfo is struct pidfd_info of linux/pidfd.h, as far as every kernel that has it fills it in.
type pidfdInfo struct {
	mask     uint64
	cgroupID uint64
	ids      [11]uint32
	exitCode int32
}

const (
	pidfdInfoExit = 1 << 3     // PIDFD_INFO_EXIT
	pidfdGetInfo  = 0xC040FF0B // PIDFD_GET_INFO, _IOWR(0xFF, 11, struct pidfd_info) with 64 bytes
)

func (p *process) pidfdStatus() (w syscall.WaitStatus, ok bool) {
	raw, err := p.pidfd.SyscallConn()
	if err != nil {
		return 0, false
	}
	_ = raw.Control(func(fd uintptr) {
		info := pidfdInfo{mask: pidfdInfoExit}
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, pidfdGetInfo, uintptr(unsafe.Pointer(&info)))
		w, ok = syscall.WaitStatus(info.exitCode), errno == 0 && info.mask&pidfdInfoExit != 0
	})
	return w, ok
}

// stat is what /proc/PID/stat says, as far as it is of use here.
type stat struct {
	zombie     bool
	startTicks uint64 // since the boot
	exit       syscall.WaitStatus
}

func readStat(pid int) (stat, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, err
	}
	// The command may hold blanks and parentheses; the fields after its last one count from 3.
	f := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(f) < 50 {
		return stat{}, fmt.Errorf("read /proc/%d/stat: only %d fields", pid, len(f))
	}
	ticks, err := strconv.ParseUint(f[22-3], 10, 64)
	if err != nil {
		return stat{}, err
	}
	exit, err := strconv.ParseUint(f[52-3], 10, 32)
	return stat{zombie: f[0] == "Z", startTicks: ticks, exit: syscall.WaitStatus(exit)}, err
}

func bootID() (string, error) {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(data)), err
}
