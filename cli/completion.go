package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"apron/cli/complete"
	"apron/cli/help"
	"apron/cli/model"
	"apron/cli/shlex"
)

// Complete answers a shell that asks how a line may go on, as Bash does after `complete -C apron aws`, and reports whether
// one did. Where it cannot know, it prints nothing: whoever presses Tab is not helped by an error.
func (p *Program) Complete(ctx context.Context) bool {
	args, asked := p.shellAsks()
	if !asked {
		return false
	}
	return p.completer().Shell(ctx, args, p.env, []string{"aws"}, p.Stdout)
}

// shellAsks returns what the shell that asks has added to the arguments: the command, the word as it has split it and the
// word before. Zsh and tcsh add nothing. The line alone is no question: programs that a completer runs have it in their
// environment too.
func (p *Program) shellAsks() (args []string, asked bool) {
	line := strings.Fields(p.env("COMP_LINE") + " " + p.env("COMMAND_LINE"))
	switch n := len(p.Args); {
	case len(line) == 0:
		return nil, false
	case n == 0:
		return nil, true
	case n < 3:
		return nil, false
	default:
		args = p.Args[n-3:]
		return args, filepath.Base(args[0]) == filepath.Base(line[0])
	}
}

func (p *Program) env(name string) string {
	value, _ := p.LookupEnv(name)
	return value
}

// Suggest says what may stand in place of begun, which is the begin of a word behind those words.
func (p *Program) Suggest(ctx context.Context, words []string, begun string) []complete.Suggestion {
	var line strings.Builder
	for _, w := range words {
		line.WriteString(shlex.Quote(w) + " ")
	}
	if quoted := shlex.Quote(begun); begun != "" && quoted != begun {
		line.WriteString(strings.TrimSuffix(quoted, "'")) // more of it may follow
	} else {
		line.WriteString(begun)
	}
	return p.completer().Complete(ctx, line.String())
}

// completer knows both APIs and, where the configuration can be read, asks the server that the line means for the names
// of what is there. That question neither asks a person for anything nor tells of trouble.
func (p *Program) completer() *complete.Completer {
	c := &complete.Completer{Services: []*model.Service{model.AppRunner, model.Apron}, Waiters: waiterModel(), GlobalDoc: help.Global}
	silent, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return c
	}
	quiet := *p
	quiet.Stdin, quiet.Stdout, quiet.Stderr = silent, silent, silent
	if session, err := openSession(&quiet); err == nil {
		r := &run{Program: &quiet, session: session, mode: "off"}
		c.Call, c.Profiles = r.ask, session.Profiles
	}
	return c
}
