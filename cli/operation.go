package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"apron/cli/argparse"
	"apron/cli/document"
	"apron/cli/model"
	"apron/cli/param"
)

// operation is the command of one action of an API.
func (r *run) operation(s *model.Service, op *model.Operation) command {
	return func(ctx context.Context, args []string, g *settings) (int, error) {
		if slices.Equal(args, []string{"help"}) {
			return r.operationHelp(ctx, s, op)
		}
		parsed, rest, err := operationParser(op, args).Parse(args)
		if err != nil {
			return 0, err
		}
		switch word := text(parsed, "help"); word {
		case "":
		case "help":
			return r.operationHelp(ctx, s, op)
		default:
			rest = append(rest, word)
		}
		if len(rest) > 0 {
			return 0, unknownOptions(rest)
		}
		params, err := r.parameters(s, op, parsed)
		if err != nil {
			return 0, err
		}
		if kind := text(parsed, "generate_cli_skeleton"); kind != "" {
			return r.skeleton(ctx, s, op, kind, params, g)
		}
		return r.invoke(ctx, s, op, params, g)
	}
}

// unknownOptions is AWS's answer to words that no option took.
func unknownOptions(words []string) error {
	return paramError(fmt.Sprintf("usage: %s\nUnknown options: %s\n", argparse.Usage(Prog), strings.Join(words, ", ")))
}

// operationParser has an option for each member of the input, two for a boolean one, and those that every operation
// has.
func operationParser(op *model.Operation, args []string) *argparse.Parser {
	p := &argparse.Parser{Prog: Prog, Usage: argparse.Usage(Prog)}
	relaxed := relaxesRequired(args)
	for _, m := range op.Input.Members {
		name := model.Hyphenate(m.Name)
		a := argparse.Argument{Name: "--" + name, Required: !relaxed && op.Input.IsRequired(m.Name)}
		switch m.Shape.Type {
		case "list":
			a.NArgs = argparse.Many
		case "boolean":
			a.Action, a.Required = argparse.StoreTrue, false
			p.Add(a)
			a = argparse.Argument{Name: "--no-" + name, Dest: destination(name), Action: argparse.StoreFalse}
		}
		p.Add(a)
	}
	p.Add(argparse.Argument{Name: "--cli-input-json"})
	p.Add(argparse.Argument{Name: "--cli-input-yaml"})
	p.Add(argparse.Argument{Name: "--generate-cli-skeleton", NArgs: argparse.Optional, Const: "input", Choices: []string{"input", "output", "yaml-input"}})
	p.Add(argparse.Argument{Name: "help", NArgs: argparse.Optional})
	return p
}

func destination(name string) string { return strings.ReplaceAll(name, "-", "_") }

// relaxesRequired reports whether an option is there that can stand for all others. Only the whole word counts, and a
// skeleton of the output is made from checked parameters.
func relaxesRequired(args []string) bool {
	if slices.Contains(args, "--cli-input-json") || slices.Contains(args, "--cli-input-yaml") {
		return true
	}
	i := slices.Index(args, "--generate-cli-skeleton")
	return i >= 0 && (i+1 == len(args) || args[i+1] != "output")
}

// parameters are the input of the operation: what the options say, and below that what --cli-input-json or
// --cli-input-yaml says.
func (r *run) parameters(s *model.Service, op *model.Operation, parsed *document.Map) (*document.Map, error) {
	params := &document.Map{}
	for _, m := range op.Input.Members {
		name := model.Hyphenate(m.Name)
		value, _ := parsed.Get(destination(name))
		if value == nil {
			continue
		}
		loaded, err := param.Load(name, value)
		if err != nil {
			return nil, err
		}
		unpacked, err := param.Unpack(name, m.Shape, loaded)
		if err != nil {
			return nil, err
		}
		r.trace.printf("awscli.arguments", "Unpacked value of %s for parameter %q: %s", document.Repr(value), destination(name), document.Repr(unpacked))
		params.Set(m.Name, unpacked)
	}
	inJSON, inYAML := optional(parsed, "cli_input_json"), optional(parsed, "cli_input_yaml")
	if err := peek("cli-input-json", inJSON); err != nil {
		return nil, err
	}
	if err := peek("cli-input-yaml", inYAML); err != nil {
		return nil, err
	}
	return params, param.MergeInput(params, inJSON, inYAML)
}

// peek reads the file that an option names and forgets it. AWS's CLI reads these files twice, first as it does those of
// all options: what can be read once, such as a pipe at /dev/stdin, is empty when it is wanted.
func peek(option string, value *string) error {
	if value == nil {
		return nil
	}
	_, err := param.Load(option, *value)
	return err
}

// optional is the value of a destination, nil where the option is not given.
func optional(parsed *document.Map, dest string) *string {
	v, _ := parsed.Get(dest)
	s, ok := v.(string)
	if !ok {
		return nil
	}
	return &s
}
