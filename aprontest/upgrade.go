package aprontest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Upgrade runs `apron upgrade` with the arguments and returns what it printed. From then on p is whichever process serves.
func (p *Platform) Upgrade(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, p.Bin, append([]string{"upgrade", "--data", p.Data}, args...)...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("apron upgrade: %w\n%s\nserver's log:\n%s", err, out, p.Log())
	}
	if follow := p.Follow(); err == nil {
		err = follow
	}
	return string(out), err
}

// Follow makes p the process that says of itself that it serves from the data directory.
func (p *Platform) Follow() error {
	text, err := os.ReadFile(filepath.Join(p.Data, "server.json"))
	if err != nil {
		return err
	}
	var server struct {
		PID int `json:"pid"`
	}
	if err := json.Unmarshal(text, &server); err != nil || server.PID == p.pid {
		return err
	}
	fd, err := unix.PidfdOpen(server.PID, 0)
	if err != nil {
		return fmt.Errorf("the server's process %d: %w", server.PID, err)
	}
	p.pid, p.done = server.PID, make(chan error, 1)
	go func(done chan error) {
		defer unix.Close(fd)
		for ended := 0; ended == 0; {
			ended, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
		}
		done <- nil
	}(p.done)
	return nil
}

// Gone returns when the process has ended, or an error when it has not within the limit.
func Gone(pid int, limit time.Duration) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return nil
	}
	if err != nil {
		return fmt.Errorf("process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	for until := time.Now().Add(limit); ; {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(max(time.Until(until), 0).Milliseconds()))
		switch {
		case n > 0:
			return nil
		case err != nil && err != unix.EINTR, time.Now().After(until):
			return fmt.Errorf("process %d has not ended within %v", pid, limit)
		}
	}
}
