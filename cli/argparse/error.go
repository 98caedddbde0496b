package argparse

import (
	"errors"
	"fmt"
)

// ErrVersion is what Parse returns when it meets an argument whose action is Version.
var ErrVersion = errors.New("argparse: the version is asked for")

// Usage is the text behind "usage: " for a program of that name, as the AWS CLI has it for every level. It ends with a
// newline.
func Usage(prog string) string {
	return fmt.Sprintf(`%[1]s [options] <command> <subcommand> [<subcommand> ...] [parameters]
To see help text, you can run:

  %[1]s help
  %[1]s <command> help
  %[1]s <command> <subcommand> help
`, prog)
}

// Error is a command line that the parser does not take.
type Error struct {
	Prog     string
	Usage    string
	Argument string // such as --region; "" where it is not about a single one
	Message  string
}

// Error is the whole text that the AWS CLI shows, with the usage; it ends with a newline.
func (e *Error) Error() string {
	message := e.Message
	if e.Argument != "" {
		message = "argument " + e.Argument + ": " + message
	}
	return fmt.Sprintf("usage: %s\n%s: error: %s\n", e.Usage, e.Prog, message)
}

func (p *Parser) fail(a *Argument, format string, v ...any) error {
	e := &Error{Prog: p.Prog, Usage: p.Usage, Message: fmt.Sprintf(format, v...)}
	if a != nil {
		e.Argument = a.label()
	}
	return e
}
