package cli

import (
	"context"
	"slices"

	"apron/cli/argparse"
	"apron/cli/help"
	"apron/cli/model"
)

// show hands a page to the pager of help.
func (r *run) show(p *help.Page) (int, error) {
	return exitOK, help.Show(p, help.Screen{Stdout: r.Stdout, Stderr: r.Stderr, Terminal: isTerminal(r.Stdout), LookupEnv: r.LookupEnv})
}

// providerHelp is `aws help`, and with a topic's name that topic.
func (r *run) providerHelp(_ context.Context, args []string, _ *settings) (int, error) {
	if slices.Equal(args, []string{"help"}) {
		return r.show(help.Provider())
	}
	p := &argparse.Parser{Prog: Prog, Usage: argparse.Usage(Prog)}
	p.Add(argparse.Argument{Name: "subcommand", NArgs: argparse.Optional, Choices: help.Topics()})
	parsed, _, err := p.Parse(args)
	if err != nil {
		return 0, err
	}
	if topic := text(parsed, "subcommand"); topic != "" {
		return r.show(help.Topic(topic))
	}
	return r.show(help.Provider())
}

func (r *run) serviceHelp(s *model.Service) command {
	return func(context.Context, []string, *settings) (int, error) { return r.show(help.Service(s)) }
}

func (r *run) operationHelp(_ context.Context, s *model.Service, op *model.Operation) (int, error) {
	return r.show(help.Operation(s, op))
}
