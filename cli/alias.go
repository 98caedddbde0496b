package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"apron/cli/argparse"
	"apron/cli/document"
	"apron/cli/model"
	"apron/cli/profile"
	"apron/cli/shlex"
)

// aliases are the pairs of one section of the alias file, in its order. A missing file has none.
func (r *run) aliases(section string) (*document.Map, error) {
	return profile.Section(profile.Env{Lookup: r.LookupEnv}.Expand("~/.aws/cli/alias"), section)
}

// aliasTopLevel adds what the section [toplevel] names; an alias may hide a command and then stands for itself in
// nothing but its own text.
func (r *run) aliasTopLevel(l *level, names []string) ([]string, error) {
	found, err := r.aliases("toplevel")
	if err != nil {
		return nil, err
	}
	for name, value := range found.All() {
		l.commands[name] = r.topAlias(l, name, strings.TrimSpace(document.Str(value)), l.find(name))
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (r *run) topAlias(l *level, name, value string, hidden command) command {
	if program, ok := strings.CutPrefix(value, "!"); ok {
		return r.external(program)
	}
	once := entry(name)
	return func(ctx context.Context, args []string, g *settings) (int, error) {
		words, err := once(value)
		if err != nil {
			return 0, err
		}
		parsed, rest, err := l.parser.Parse(words)
		if err != nil {
			return 0, err
		}
		if g, err = g.with(l.parser, name, parsed); err != nil {
			return 0, err
		}
		target := text(parsed, "command")
		run := l.find(target)
		if target == name {
			run = hidden
		}
		if run == nil {
			return 0, standsForItself(name)
		}
		return run(ctx, append(rest, args...), g)
	}
}

// aliasService adds what the section [command NAME] names for one service.
func (r *run) aliasService(l *level, s *model.Service, names []string) ([]string, error) {
	found, err := r.aliases("command " + s.Name)
	if err != nil {
		return nil, err
	}
	for name, value := range found.All() {
		l.commands[name] = r.subAlias(l, s, name, strings.TrimSpace(document.Str(value)), l.find(name))
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (r *run) subAlias(l *level, s *model.Service, name, value string, hidden command) command {
	if program, ok := strings.CutPrefix(value, "!"); ok {
		return r.external(program)
	}
	once := entry(name)
	return func(ctx context.Context, args []string, g *settings) (int, error) {
		words, err := once(value)
		if err != nil {
			return 0, err
		}
		global := globalParser()
		parsed, rest, err := global.Parse(words)
		if err != nil {
			return 0, err
		}
		if g, err = g.with(global, name, parsed); err != nil {
			return 0, err
		}
		rest = append(rest, args...)
		if hidden != nil {
			return hidden(ctx, rest[1:], g)
		}
		parsed, rest, err = l.parser.Parse(rest)
		if err != nil {
			return 0, err
		}
		return l.find(text(parsed, "operation"))(ctx, rest, g)
	}
}

// entry takes an alias for its words once: one that comes back to itself, alone or by others, would never end.
func entry(name string) func(value string) ([]string, error) {
	entered := false
	return func(value string) ([]string, error) {
		if entered {
			return nil, standsForItself(name)
		}
		entered = true
		return aliasWords(name, value)
	}
}

func standsForItself(name string) error {
	return aliasError(fmt.Sprintf("alias %q in the alias file stands for itself; name another command", name))
}

func aliasWords(name, value string) ([]string, error) {
	words, err := shlex.Split(value)
	if err != nil {
		return nil, aliasError(fmt.Sprintf("Value of alias \"%s\" could not be parsed. Received error: %s when parsing:\n%s", name, err, value))
	}
	for i := range words {
		words[i] = strings.Trim(words[i], "\n")
	}
	return words, nil
}

// with is g changed by the global options that an alias names.
func (g *settings) with(parser *argparse.Parser, alias string, parsed *document.Map) (*settings, error) {
	if _, err := resolveGlobals(parsed); err != nil {
		return nil, err
	}
	merged := document.NewMap()
	for dest, value := range g.parsed.All() {
		merged.Set(dest, value)
	}
	for dest, value := range parsed.All() {
		if value == parser.Default(dest) {
			continue
		}
		if dest == "debug" || dest == "profile" {
			return nil, aliasError(fmt.Sprintf("Global parameter \"--%s\" detected in alias \"%s\" which is not support in subcommand aliases.", dest, alias))
		}
		merged.Set(dest, value)
	}
	return resolveGlobals(merged)
}

// external hands the line to a shell, with the arguments behind it; its exit code becomes ours.
func (r *run) external(program string) command {
	return func(ctx context.Context, args []string, _ *settings) (int, error) {
		for _, a := range args {
			program += " " + shlex.Quote(a)
		}
		cmd := exec.CommandContext(ctx, "/bin/sh", "-c", program)
		cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = r.Stdin, r.Stdout, r.Stderr, r.Environ()
		err := cmd.Run()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return exit.ExitCode(), nil
		}
		return exitOK, err
	}
}
