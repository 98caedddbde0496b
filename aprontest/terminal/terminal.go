// Package terminal runs programs on real pseudo-terminals for tests: it types what a person would type, waits until the
// screen shows what a person would see, and holds the terminal's state after the program against that before it. Every
// wait ends with what it waits for, and fails the test after a time that no working program needs.
package terminal

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// The size of a terminal of Start.
const (
	Columns = 120
	Rows    = 30
)

// patience is how long a program may take to show something or to end, on a slow machine that does much else.
const patience = time.Minute

// Terminal is a program on a terminal of its own, and what a person would see of it.
type Terminal struct {
	Cmd      *exec.Cmd
	t        testing.TB
	pty, tty *os.File
	before   *term.State
	mu       sync.Mutex // of screen and raw
	screen   *vt.Emulator
	raw      strings.Builder
	closed   chan struct{} // when no program has the terminal open any more, and all that was written has been read
}

// Start runs the command in the foreground of a terminal, with TERM and what env says added to its environment. What is
// left of the command is ended with the test.
func Start(t testing.TB, cmd *exec.Cmd, env ...string) *Terminal {
	t.Helper()
	return StartSized(t, Columns, Rows, cmd, env...)
}

// StartSized is Start on a terminal of another size. A program that is just starting may miss a Resize: it has read the
// size, and does not listen for changes yet.
func StartSized(t testing.TB, columns, rows int, cmd *exec.Cmd, env ...string) *Terminal {
	t.Helper()
	s := &Terminal{Cmd: cmd, t: t, screen: vt.NewEmulator(columns, rows), closed: make(chan struct{})}
	var err error
	if s.pty, s.tty, err = pty.Open(); err != nil {
		t.Fatal(err)
	}
	s.Resize(columns, rows)
	s.before = s.state()
	cmd.Env = append(append(cmd.Environ(), "TERM=xterm-256color"), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.tty, s.tty, s.tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go io.Copy(s.pty, s.screen) // what a terminal answers when it is asked
	go s.read()
	t.Cleanup(s.close)
	return s
}

// close ends what still runs: the kernel sends SIGHUP to the foreground when the other side closes.
func (s *Terminal) close() {
	if s.Cmd.ProcessState == nil {
		_ = s.Cmd.Process.Kill()
		_ = s.Cmd.Wait()
	}
	s.pty.Close()
	s.tty.Close()
}

func (s *Terminal) read() {
	defer close(s.closed)
	for b := make([]byte, 4096); ; {
		n, err := s.pty.Read(b)
		s.mu.Lock()
		s.raw.Write(b[:n])
		s.screen.Write(b[:n])
		s.mu.Unlock()
		if err != nil {
			return // EIO: the other side is closed
		}
	}
}

// Resize gives the terminal another size, of which the program is told as of any.
func (s *Terminal) Resize(columns, rows int) {
	s.t.Helper()
	s.mu.Lock()
	s.screen.Resize(columns, rows)
	s.mu.Unlock()
	if err := pty.Setsize(s.pty, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Terminal) state() *term.State {
	s.t.Helper()
	state, err := term.GetState(s.tty.Fd())
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

// Press types the keys.
func (s *Terminal) Press(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.pty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// Ends waits for the program and holds its exit code against what it should be. The terminal must be in the modes in
// which it was before, and no program that was started on it may have it open.
func (s *Terminal) Ends(code int) {
	s.t.Helper()
	s.wait()
	if got := s.Cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("the program exits with %d, want %d:\n%s", got, code, s.Text())
	}
	if after := s.state(); !reflect.DeepEqual(after, s.before) {
		s.t.Errorf("the terminal was left as %+v, it was %+v", after, s.before)
	}
	s.tty.Close()
	select {
	case <-s.closed:
	case <-time.After(patience):
		s.t.Fatalf("something that the program started holds the terminal open:\n%s", s.Text())
	}
	if marked := s.marked(); marked != "" {
		s.t.Errorf("the terminal was left with %s", marked)
	}
}

func (s *Terminal) wait() {
	s.t.Helper()
	late := time.AfterFunc(patience, func() { _ = s.Cmd.Process.Kill() })
	err := s.Cmd.Wait()
	if !late.Stop() {
		s.t.Fatalf("the program does not end:\n%s", s.Text())
	}
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		s.t.Fatal(err)
	}
}
