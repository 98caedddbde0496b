package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a proxy that this program started.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

// apart gives the command a session of its own, as services have. The scheduler shares the processors between sessions, and a proxy
// that shared one with its clients would be woken another way than one that does not.
func apart(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// startProcess runs the command with its output in the file log. nsenter becomes the program that it is told to run, so the
// process is that program.
func startProcess(command, environ []string, log string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{cmd: apart(exec.Command(command[0], command[1:]...)), log: log, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), environ...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w; `make bench-proxy` installs what it needs", err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.done)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// ended tells whether the process is gone, and why as far as it said.
func (p *process) ended() error {
	select {
	case <-p.done:
		text, _ := os.ReadFile(p.log)
		return fmt.Errorf("it ended:\n%s", text)
	default:
		return nil
	}
}

// stop ends the process, by force when it takes its time.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(5 * time.Second):
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// family are the process and its children, as nginx has a process for each worker.
func family(pid int) []int {
	pids := []int{pid}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, path := range stats {
		fields, err := statFields(path)
		if err != nil || fields[1] != strconv.Itoa(pid) { // a process may be gone by now
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}

// statFields are those behind the process's name, of which the first is its state and the second its parent.
func statFields(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return nil, fmt.Errorf("%s: %q is not as proc(5) has it", path, text)
	}
	return fields, nil
}

// cpuOf is how long the process and its children have computed, in user and kernel mode, in steps of 10 ms.
func cpuOf(pid int) (total time.Duration, err error) {
	for _, p := range family(pid) {
		fields, err := statFields(fmt.Sprintf("/proc/%d/stat", p))
		if err != nil {
			return 0, err
		}
		for _, field := range fields[11:13] {
			ticks, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, err
			}
			total += time.Duration(ticks) * (time.Second / 100)
		}
	}
	return total, nil
}

// memoryOf is the memory that the process and its children have resident, in bytes; what they share counts once.
func memoryOf(pid int) (total int64, err error) {
	for _, p := range family(pid) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
		if err != nil {
			return 0, err
		}
		_, rest, found := strings.Cut(string(text), "\nPss:")
		if !found {
			return 0, fmt.Errorf("smaps_rollup of process %d has no Pss", p)
		}
		kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		if err != nil {
			return 0, err
		}
		total += kb << 10
	}
	return total, nil
}
