// Package cli is the command line that takes what `aws apprunner ...` takes and answers what it answers, to the byte:
// its arguments, files, environment, outputs, errors and exit codes, as AWS CLI version 2 has them. Its commands come
// from the API's model. It ties the packages below it together: argparse and param read a command line, profile says
// which region, endpoint and credentials apply, awsjson calls the server, jmespath and output show the answer. It knows
// nothing of the platform behind the endpoint, and never opens a database.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"apron/cli/argparse"
	"apron/cli/output"
)

// Prog is what the program calls itself, whatever it was started as: scripts read its usage and errors.
const Prog = "aws"

// Program is one run of the command line.
type Program struct {
	Args      []string                    // without the program's name
	LookupEnv func(string) (string, bool) // such as os.LookupEnv
	Environ   func() []string             // such as os.Environ, for the programs that this one starts
	Stdin     *os.File
	Stdout    *os.File
	Stderr    *os.File
	Version   string // apron's own
}

// The exit codes of AWS's CLI.
const (
	exitOK          = 0
	exitInterrupted = 130
	exitParam       = 252 // the command line is wrong
	exitConfig      = 253 // the configuration is wrong, or says too little
	exitService     = 254 // the service refused
	exitGeneral     = 255
)

// Run runs the command line and returns its exit code, after it has said on stderr what went wrong. It blocks until the
// command has ended or ctx is done.
func (p *Program) Run(ctx context.Context) int {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // whoever stops reading has read enough
	r := &run{Program: p}
	code, err := r.enter(ctx)
	if err != nil {
		code = r.report(ctx, err)
	}
	if r.colored && isTerminal(r.Stdout) {
		fmt.Fprint(r.Stdout, output.Reset)
	}
	return code
}

// run is what a run of the program has found out so far.
type run struct {
	*Program
	session *session
	trace   *tracer
	mode    string // of --cli-auto-prompt, for the user agent
	colored bool   // a response was written in colours: what follows puts the terminal back
}

// enter is what AWS's CLI does before it looks at the command: the configuration is read, and a prompt may make another
// command line of the given one.
func (r *run) enter(ctx context.Context) (int, error) {
	if asksForHelp(r.Args) {
		_, err := fmt.Fprint(r.Stdout, firstPassHelp)
		return exitOK, err
	}
	first, _, err := firstPass().Parse(r.Args)
	if err != nil {
		return 0, err
	}
	r.trace = newTracer(r.Stderr, isTrue(first, "debug"))
	if r.session, err = openSession(r.Program); err != nil {
		return 0, err
	}
	return r.prompted(ctx)
}

// firstPass finds the two options that matter before all others.
func firstPass() *argparse.Parser {
	p := &argparse.Parser{Prog: Prog, Usage: Prog + " [-h] [--profile PROFILE] [--debug]\n"}
	p.Add(argparse.Argument{Name: "--profile"})
	p.Add(argparse.Argument{Name: "--debug", Action: argparse.StoreTrue, Default: false})
	return p
}

// firstPassHelp is what AWS's CLI says to --help, which is none of its own options.
const firstPassHelp = `usage: aws [-h] [--profile PROFILE] [--debug]

options:
  -h, --help         show this help message and exit
  --profile PROFILE
  --debug
`

// asksForHelp reports whether -h, --help or what can only mean that is among the options.
func asksForHelp(args []string) bool {
	for _, a := range args {
		switch {
		case a == "--":
			return false
		case a == "-h" || len(a) > 2 && strings.HasPrefix("--help", a):
			return true
		}
	}
	return false
}

// main runs one command line, as typed or as the prompt made it.
func (r *run) main(ctx context.Context, args []string) (int, error) {
	r.trace.printf("awscli.clidriver", "CLI version: %s", r.userAgent(""))
	r.trace.printf("awscli.clidriver", "Arguments entered to CLI: %s", reprWords(args))
	top, err := r.topLevel()
	if err != nil {
		return 0, err
	}
	parsed, rest, err := top.parser.Parse(args)
	if errors.Is(err, argparse.ErrVersion) {
		fmt.Fprintln(r.Stdout, r.userAgent(""))
		return exitOK, nil
	}
	if err != nil {
		return 0, err
	}
	g, err := resolveGlobals(parsed)
	if err != nil {
		return 0, err
	}
	if err := r.session.choose(g); err != nil {
		return 0, err
	}
	name, _ := parsed.Get("command")
	return top.find(name.(string))(ctx, rest, g)
}
