package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"apron/cli/shlex"
)

// PagerConfig says which pager a response goes through.
type PagerConfig struct {
	Command  string   // as a shell would take it apart; empty for none
	Terminal bool     // stdout is a terminal; without one there is no pager
	Environ  []string // as os.Environ has it
}

// DefaultPager is the pager where nothing is configured.
const DefaultPager = "less"

// lessFlags are less's options where LESS is not set: to end when all fits on the screen, to pass colours on, and to
// leave the screen as it is.
const lessFlags = "LESS=FRX"

// exitInterrupted is what a shell ends with when Ctrl-C ended what it ran.
const exitInterrupted = 130

// interruptGrace is how long the pager of an interrupted program has to put the terminal back before it is killed.
const interruptGrace = 2 * time.Second

// Paged reports whether what is written goes through a pager.
func (c PagerConfig) Paged() bool { return c.Command != "" && c.Terminal }

// PagerError is that the pager's program does not exist, in Python's words.
type PagerError struct {
	Program string
}

func (e *PagerError) Error() string {
	return fmt.Sprintf("[Errno 2] No such file or directory: '%s'", e.Program)
}

// OpenStream returns where a response is to be written: stdout, or a pager that shows it there. The pager starts with
// the first Write, which may fail with a *PagerError; that it ends early, or cannot be run, is no error, as it is none to
// the reference. Close waits for it. When ctx ends, both soon return its error, as the reference does; but the pager is
// ended then and the terminal is as it was before, where the reference leaves both to the shell.
func OpenStream(ctx context.Context, c PagerConfig, stdout io.Writer) (io.WriteCloser, error) {
	if !c.Paged() {
		return plainStream{stdout}, nil
	}
	words, err := shlex.Split(c.Command)
	if err != nil {
		return nil, err
	}
	return &pager{ctx: ctx, words: words, environ: c.Environ, stdout: stdout}, nil
}

type plainStream struct{ io.Writer }

func (plainStream) Close() error { return nil }

// pager is a program that is started when it is needed.
type pager struct {
	ctx     context.Context // of the command that has something to show
	words   []string
	environ []string
	stdout  io.Writer
	started sync.Once
	err     error // of the start
	input   io.WriteCloser
	process *os.Process
	ended   chan struct{}
	restore func() // the terminal's modes

	interrupted bool // by Ctrl-C, which ended it; known once ended is closed
}

func (p *pager) Write(b []byte) (int, error) {
	p.started.Do(func() { p.err = p.start() })
	switch {
	case p.err != nil:
		return 0, p.err
	case p.input == nil:
		return len(b), nil // it cannot be run
	}
	stop := context.AfterFunc(p.ctx, func() { _ = p.input.Close() })
	defer stop()
	_, err := p.input.Write(b)
	if err != nil && p.ctx.Err() != nil {
		return 0, p.ctx.Err()
	}
	return len(b), nil // whoever leaves the pager has read enough
}

// Close tells the pager that all has been written, and waits until it is left.
func (p *pager) Close() error {
	if p.input == nil {
		return nil
	}
	_ = p.input.Close()
	select {
	case <-p.ended:
		return p.outcome()
	case <-p.ctx.Done():
	}
	p.end()
	return p.ctx.Err()
}

// outcome is how the program goes on after its pager. A Ctrl-C that ended the pager was meant for both: it may be a
// moment until the context hears of it too.
func (p *pager) outcome() error {
	if !p.interrupted {
		return nil
	}
	p.restore()
	select {
	case <-p.ctx.Done():
	case <-time.After(interruptGrace):
	}
	return p.ctx.Err()
}

// end ends the pager, which less takes for a reason to put the terminal back.
func (p *pager) end() {
	_ = p.process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-p.ended:
	case <-time.After(interruptGrace):
		_ = p.process.Kill()
		<-p.ended
	}
	p.restore()
}

// start runs the first program of that name on the PATH that can be run.
func (p *pager) start() error {
	if len(p.words) == 0 {
		return errors.New("list index out of range") // the reference's words for a pager of spaces
	}
	why := error(syscall.ENOENT)
	for _, path := range p.candidates() {
		err := p.run(path)
		if err == nil {
			return nil
		}
		if isAbsent(why) {
			why = err
		}
	}
	if errors.Is(why, syscall.ENOENT) {
		return &PagerError{Program: p.words[0]}
	}
	return nil
}

// isAbsent reports whether err says that there is no such file, so that a later directory may tell more.
func isAbsent(err error) bool {
	return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR)
}

func (p *pager) candidates() []string {
	name := p.words[0]
	if strings.Contains(name, "/") {
		return []string{name}
	}
	path := "/bin:/usr/bin"
	for _, v := range p.environ {
		if value, ok := strings.CutPrefix(v, "PATH="); ok {
			path = value
		}
	}
	var list []string
	for dir := range strings.SplitSeq(path, ":") {
		list = append(list, filepath.Join(dir, name))
	}
	return list
}

func (p *pager) run(path string) error {
	cmd := &exec.Cmd{Path: path, Args: p.words, Env: p.environ, Stdout: p.stdout, Stderr: os.Stderr}
	if !slices.ContainsFunc(p.environ, func(v string) bool { return strings.HasPrefix(v, "LESS=") }) {
		cmd.Env = append(slices.Clone(p.environ), lessFlags)
	}
	input, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	p.restore = keepModes(p.stdout)
	if err := cmd.Start(); err != nil {
		return err
	}
	p.input, p.process, p.ended = input, cmd.Process, make(chan struct{})
	go func() {
		_ = cmd.Wait() // how the pager ends is its own business, unless it is by Ctrl-C
		status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		p.interrupted = status.Signaled() && status.Signal() == syscall.SIGINT || status.ExitStatus() == exitInterrupted
		close(p.ended)
	}()
	return nil
}

// keepModes returns what gives the terminal w the modes that it has now, whatever a pager does to it.
func keepModes(w io.Writer) (restore func()) {
	if f, ok := w.(*os.File); ok {
		if modes, err := term.GetState(int(f.Fd())); err == nil {
			return func() { _ = term.Restore(int(f.Fd()), modes) }
		}
	}
	return func() {}
}
