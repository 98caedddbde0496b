package cli

import (
	"context"
	"errors"
	"fmt"

	"apron/cli/complete"
	"apron/cli/document"
	"apron/cli/help"
	"apron/cli/model"
	"apron/cli/param"
	"apron/cli/profile"
	"apron/cli/prompt"
)

// prompted runs the command line, or what a prompt makes of it where one is asked for.
func (r *run) prompted(ctx context.Context) (int, error) {
	mode, err := prompt.Choose(r.Args, r.session.AutoPrompt())
	if err != nil {
		return 0, paramError(err.Error())
	}
	switch mode {
	case prompt.On:
		return r.afterPrompt(ctx, "on")
	case prompt.Partial:
		code, err := r.as("off").main(ctx, r.Args)
		if err == nil || codeOf(err) != exitParam {
			return code, err
		}
		return r.afterPrompt(ctx, "partial")
	}
	return r.as("off").main(ctx, r.Args)
}

func (r *run) as(mode string) *run {
	r.mode = mode
	return r
}

func (r *run) afterPrompt(ctx context.Context, mode string) (int, error) {
	c := r.completer()
	c.Match = complete.Fuzzy
	pages := pages{c}
	args, err := prompt.Run(ctx, prompt.Config{
		Args: r.Args, In: r.Stdin, Out: r.Stdout, Err: r.Stderr, Complete: c.Complete, Doc: pages.doc, Output: pages.output,
		History: profile.Env{Lookup: r.LookupEnv}.Expand("~/.aws/cli/cache/prompt_history.json"),
	})
	switch {
	case errors.Is(err, prompt.ErrInterrupted):
		return exitInterrupted, nil
	case errors.Is(err, prompt.ErrEnded):
		fmt.Fprint(r.Stderr, "\n\n")
		return exitGeneral, nil
	case err != nil:
		return 0, err
	}
	r.Args = args
	return r.as(mode).main(ctx, args)
}

// ask calls an action of App Runner's for a completion, with the global options that its line has so far.
func (r *run) ask(ctx context.Context, options map[string]string, action string, input *document.Map) (*document.Map, error) {
	to, err := r.connectAs(ctx, options)
	if err != nil {
		return nil, err
	}
	reply, err := to.Do(ctx, action, []byte(document.JSON(input, 0, true)))
	if err != nil {
		return nil, err
	}
	op := model.AppRunner.Operation(model.Hyphenate(action))
	answer, err := param.Response(reply.Body, op.Output, param.ISO8601)
	if err != nil {
		return nil, err
	}
	m, ok := answer.(*document.Map)
	if !ok {
		return nil, fmt.Errorf("%s answered with no object", action)
	}
	return m, nil
}

// connectAs finds the server that a line with those global options means. A profile that it names is not that of the run.
func (r *run) connectAs(ctx context.Context, options map[string]string) (*connection, error) {
	var words []string
	for name, value := range options {
		words = append(words, "--"+name+"="+value)
	}
	parsed, _, err := globalParser().Parse(words)
	if err != nil {
		return nil, err
	}
	g, err := resolveGlobals(parsed)
	if err != nil {
		return nil, err
	}
	session, err := openSession(r.Program)
	if err != nil {
		return nil, err
	}
	if err := session.choose(g); err != nil {
		return nil, err
	}
	return session.connect(ctx, model.AppRunner, g, r.userAgent(""), nil)
}

// pages are what the prompt's panels show of the command in its line.
type pages struct{ *complete.Completer }

// panelColumns is how wide panels are set.
const panelColumns = 80

func (p pages) doc(line string) string {
	s, op := p.find(line)
	switch {
	case op != nil:
		return help.Operation(s, op).Text(panelColumns, false)
	case s != nil:
		return help.Service(s).Text(panelColumns, false)
	}
	return ""
}

// output is an example of what the command prints.
func (p pages) output(line string) string {
	_, op := p.find(line)
	if op == nil {
		return ""
	}
	return document.JSON(param.OutputSkeleton(op.Output), 4, false)
}

func (p pages) find(line string) (*model.Service, *model.Operation) {
	path := p.Path(line)
	for _, s := range p.Services {
		if len(path) == 0 || s.Name != path[0] {
			continue
		}
		if len(path) > 1 {
			return s, s.Operation(path[1])
		}
		return s, nil
	}
	return nil, nil
}
