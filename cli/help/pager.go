package help

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"apron/cli/shlex"
)

// Screen is where a page is shown.
type Screen struct {
	Stdout, Stderr io.Writer
	Terminal       bool // whether Stdout is one
	LookupEnv      func(name string) (string, bool)
}

// columns is what pages are set for, however wide the screen is.
const columns = 80

// Show hands the page to the pager that MANPAGER or else PAGER names, or to `less -R`, and returns when it is left. What
// becomes of the pager is no fault of the page's: its end, whichever it is, is no error. An interrupt is the pager's
// too, since an abandoned pager leaves the terminal in disorder; so there is no context that could end it.
func Show(p *Page, on Screen) error {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGPIPE) // SIGPIPE: a reader may have seen enough
	defer signal.Stop(interrupts)
	text := p.Text(columns, on.Terminal)
	command, chosen := on.pager()
	if !chosen && !on.Terminal {
		_, _ = io.WriteString(on.Stdout, text) // as with a pager, whoever stops reading has read enough
		return nil
	}
	words, err := shlex.Split(command)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return errors.New("list index out of range") // an empty PAGER, in the words of AWS's CLI
	}
	return on.page(words, text)
}

// pager returns the command and whether anybody chose it.
func (on Screen) pager() (command string, chosen bool) {
	for _, name := range []string{"MANPAGER", "PAGER"} {
		if command, ok := on.LookupEnv(name); ok {
			return command, true
		}
	}
	return "less -R", false
}

// page runs the pager, or prints the page when there is no such program.
func (on Screen) page(words []string, text string) error {
	program := on.find(words[0])
	if program == "" {
		_, _ = io.WriteString(on.Stdout, text+"\n")
		return nil
	}
	cmd := exec.Command(program, words[1:]...)
	cmd.Args[0] = words[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text), on.Stdout, on.Stderr
	if err := cmd.Start(); err != nil {
		return startError(words[0], err)
	}
	_ = cmd.Wait()
	return nil
}

// find returns the file of a program, or "".
func (on Screen) find(name string) string {
	path, _ := on.LookupEnv("PATH")
	for dir := range strings.SplitSeq(path, ":") {
		file := filepath.Join(dir, name)
		if filepath.IsAbs(name) {
			file = name
		}
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

// startError says why a program that exists does not start, as Python does.
func startError(name string, err error) error {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok && errors.Is(err, fs.ErrPermission) {
		errno, ok = syscall.EACCES, true
	}
	if !ok {
		return fmt.Errorf("start the pager %s: %w", name, err)
	}
	text := errno.Error()
	return fmt.Errorf("[Errno %d] %s: '%s'", int(errno), strings.ToUpper(text[:1])+text[1:], name)
}
