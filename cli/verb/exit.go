package verb

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// The exit codes beside 0.
const (
	codeFailed      = 1
	codeUsage       = 2
	codeRolledBack  = 3
	codeTimedOut    = 4
	codeInterrupted = 130 // as a shell has it of a program that SIGINT ended
)

// exit is an error with an exit code of its own.
type exit struct {
	error
	code int
}

func (e exit) Unwrap() error { return e.error }

// ExitCode is what the program ends with because of err, which may come from any command.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[exit](err); ok {
		return e.code
	}
	return codeFailed
}

// Usage marks an error as one of the command line itself.
func Usage(err error) error {
	if err == nil {
		return nil
	}
	return exit{err, codeUsage}
}

// coded makes of every error after ^C the news that the command was interrupted.
func coded(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if _, known := errors.AsType[exit](err); known || err == nil || cmd.Context().Err() == nil {
			return err
		}
		if errors.Is(err, context.Canceled) {
			err = errors.New("interrupted")
		}
		return exit{err, codeInterrupted}
	}
}

func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	if check == nil {
		return nil
	}
	return func(cmd *cobra.Command, args []string) error { return Usage(check(cmd, args)) }
}

// named takes one service, and up to more arguments behind it.
func named(more int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= 1 && len(args) <= 1+more {
			return nil
		}
		if len(args) == 0 {
			return fmt.Errorf("name one service, as in `%s web-app`; `apron ps` lists them", cmd.CommandPath())
		}
		return fmt.Errorf("%q is one argument too many; the form is `apron %s`", args[1+more], cmd.Use)
	}
}
