package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"apron/cli/argparse"
	"apron/cli/help"
	"apron/cli/model"
)

// command runs with the arguments that are left for it and returns an exit code, or why it failed.
type command func(ctx context.Context, args []string, g *settings) (int, error)

// level is one level of commands: a parser that chooses, and what it chooses from.
type level struct {
	parser   *argparse.Parser
	commands map[string]command
	others   func(name string) command // those beyond commands, if there are any: hundreds, which nobody gives a value each
}

// find returns the command of that name, or nil.
func (l level) find(name string) command {
	if found := l.commands[name]; found != nil || l.others == nil {
		return found
	}
	return l.others(name)
}

// choose has the parser choose among the names, which are what an error lists in this order. Commands beyond those names
// are found and never listed.
func (l level) choose(positional string, names []string) level {
	var also []string
	for _, name := range slices.Sorted(maps.Keys(l.commands)) {
		if !slices.Contains(names, name) {
			also = append(also, name)
		}
	}
	l.parser.Add(argparse.Argument{Name: positional, Choices: names, Unlisted: also})
	return l
}

// topLevel has every service that AWS's CLI knows, so that its list of choices is the same; all but those of ours say
// what this program is for.
func (r *run) topLevel() (level, error) {
	names := help.Services()
	commands := map[string]command{"help": r.providerHelp}
	for _, s := range []*model.Service{model.AppRunner, model.Apron} {
		commands[s.Name] = r.service(s)
	}
	l := level{parser: globalParser(), commands: commands, others: func(name string) command {
		if !slices.Contains(names, name) {
			return nil
		}
		return notOurs(name)
	}}
	choices, err := r.aliasTopLevel(&l, names)
	if err != nil {
		return level{}, err
	}
	return l.choose("command", choices), nil
}

// notOurs refuses a service of AWS that has no counterpart here.
func notOurs(name string) command {
	return func(context.Context, []string, *settings) (int, error) {
		return 0, paramError(fmt.Sprintf("apron has no command %s: it speaks the API of App Runner alone. Use AWS's own CLI for %s, and `apron apprunner help` for what is here.", name, name))
	}
}

// service is the command of a whole API.
func (r *run) service(s *model.Service) command {
	return func(ctx context.Context, args []string, g *settings) (int, error) {
		l, err := r.serviceLevel(s)
		if err != nil {
			return 0, err
		}
		parsed, rest, err := l.parser.Parse(args)
		if err != nil {
			return 0, err
		}
		return l.find(text(parsed, "operation"))(ctx, rest, g)
	}
}

func (r *run) serviceLevel(s *model.Service) (level, error) {
	commands := map[string]command{}
	var names []string
	for _, op := range s.Operations {
		names = append(names, op.CLIName)
		commands[op.CLIName] = r.operation(s, op)
	}
	l := level{parser: &argparse.Parser{Prog: Prog, Usage: argparse.Usage(Prog)}, commands: commands}
	names, err := r.aliasService(&l, s, names)
	if err != nil {
		return level{}, err
	}
	commands["help"] = r.serviceHelp(s)
	if s.Name == "apprunner" {
		commands["wait"] = r.wait(s)
	}
	return l.choose("operation", append(names, "help")), nil
}
