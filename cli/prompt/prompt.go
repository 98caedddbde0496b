// Package prompt lets a person build a command at a terminal: one line with a menu of what may come next below it, panels
// with the command's help and the form of its output, and the lines of earlier days. It is what --cli-auto-prompt asks
// for, and behaves as AWS's prompt does, down to the file in which both keep their history. It knows no command: what may
// follow is given to it as functions, and what was chosen is handed back as arguments. It runs nothing.
package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"

	"apron/cli/complete"
	"apron/cli/shlex"
)

// Config is what a prompt needs to know.
type Config struct {
	Args     []string                                                     // what was given already; it stands in the line at first
	In       *os.File                                                     // keys are read from it
	Out      *os.File                                                     // the command chosen is printed to it, and all drawing goes to it if it is a terminal
	Err      io.Writer                                                    // warnings, and the line of a prompt that was left
	Complete func(ctx context.Context, line string) []complete.Suggestion // what may stand in place of the last word of line
	Doc      func(line string) string                                     // the help of the command in line; empty leaves what is shown
	Output   func(line string) string                                     // what the command in line would print, for a panel of its own; may be nil
	History  string                                                       // the file of earlier lines; empty keeps none
}

// What ends a prompt without a command.
var (
	// ErrInterrupted is returned after Ctrl-C, Ctrl-D or a signal. The line was printed to Err; AWS's exit code is 130.
	ErrInterrupted = errors.New("the prompt was left")
	// ErrEnded is returned if the input ends before Enter. AWS's prints two empty lines to its standard error, as that
	// error of its has no text, and exits with 255.
	ErrEnded = errors.New("the input ended before a command was chosen")
)

// Run asks for a command and returns its arguments, as if they had been given at first. Without a terminal it reads one
// line. What is wrong with the quotes of the line chosen is returned as a shlex.Error.
func Run(ctx context.Context, c Config) (args []string, err error) {
	ask := c.draw
	switch {
	case !isTerminal(c.In):
		fmt.Fprintf(c.Err, "Warning: Input is not a terminal (fd=%d).\n", c.In.Fd())
		ask = c.readKeys
	case os.Getenv("TERM") == "dumb":
		ask = c.readLine
	}
	line := first(c.Args)
	line, err = ask(ctx, line+c.gap(ctx, line))
	switch {
	case errors.Is(err, ErrInterrupted):
		fmt.Fprintf(c.Err, "%s%s\n", lead, line)
		return nil, err
	case err != nil:
		return nil, err
	}
	openHistory(c.History).add(line)
	fmt.Fprintf(c.Out, "%s%s\n", lead, line)
	return shlex.Split(line)
}

// lead stands before each line, so that it reads as it would be typed.
const lead = "> aws "

// first is the line that the arguments make, without the option that asked for a prompt.
func first(args []string) string {
	args = slices.Clone(args)
	if i := slices.Index(args, onOption); i >= 0 {
		args = slices.Delete(args, i, i+1)
	}
	for i, a := range args {
		args[i] = shlex.Quote(a)
	}
	return strings.Join(args, " ")
}

// gap is the space after arguments that are whole, so that what is typed is the next one. One that can be completed is not.
func (c Config) gap(ctx context.Context, line string) string {
	if line == "" {
		return ""
	}
	var m menu
	if m.show(c.Complete(ctx, line), editor{text: line, at: len(line)}); m.open {
		return ""
	}
	return " "
}

// draw runs the prompt on a terminal.
func (c Config) draw(ctx context.Context, line string) (string, error) {
	screen := c.Out
	if !isTerminal(screen) {
		tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
		if err != nil {
			return "", fmt.Errorf("draw the prompt: standard output is no terminal and %w; give all arguments, or --no-cli-auto-prompt", err)
		}
		defer tty.Close()
		screen = tty
	}
	u := newUI(ctx, c, line)
	p := tea.NewProgram(u, tea.WithInput(c.In), tea.WithOutput(screen), tea.WithoutSignalHandler())
	defer context.AfterFunc(ctx, func() { p.Send(leave{}) })()
	defer onSignal(func() { p.Send(leave{}) })()
	_, err := p.Run()
	switch {
	case u.ended == ran:
		return u.line.text, nil
	case u.ended == left:
		return u.line.text, ErrInterrupted
	case errors.Is(err, tea.ErrProgramPanic):
		return "", err
	}
	return "", ErrEnded
}

// onSignal calls do when the prompt is to end, until stop is called. The library's own way would leave the screen as it is.
func onSignal(do func()) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			do()
		case <-done:
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

func isTerminal(f *os.File) bool { return term.IsTerminal(f.Fd()) }
