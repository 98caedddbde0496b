package cli

import (
	"context"
	"errors"
	"io"

	"apron/cli/awsdocs"
	"apron/cli/document"
	"apron/cli/help"
	"apron/cli/model"
	"apron/cli/output"
	"apron/cli/param"
)

// invoke calls the operation and shows what it answers.
func (r *run) invoke(ctx context.Context, s *model.Service, op *model.Operation, params *document.Map, g *settings) (int, error) {
	to, err := r.session.connect(ctx, s, g, r.userAgent(s.Name+"."+op.CLIName), r.trace)
	if err != nil {
		return 0, err
	}
	if err := checkNames(params); err != nil {
		return 0, err
	}
	if to.validates {
		if err := param.Validate(params, op.Input); err != nil {
			return 0, err
		}
	}
	body, err := param.Request(params, op.Input)
	if err != nil {
		return 0, err
	}
	reply, err := to.Do(ctx, op.Name, []byte(document.JSON(body, 0, true)))
	if err != nil {
		return 0, err
	}
	if id := reply.Header.Get("X-Amzn-Requestid"); id != "" {
		r.trace.printf("awscli.formatter", "RequestId: %s", id)
	}
	answer, err := param.Response(reply.Body, op.Output, r.session.timestamps)
	if err != nil {
		return 0, err
	}
	return exitOK, r.display(ctx, op, answer, g)
}

// checkNames refuses parameters whose names are no texts, as YAML allows them, in the words of Python, which passes the
// parameters by their names.
func checkNames(params *document.Map) error {
	for name := range params.All() {
		if _, ok := params.Key(name).(string); !ok {
			return errors.New("keywords must be strings")
		}
	}
	return nil
}

// skeleton prints an example of the operation's input, or of its output once its parameters are checked.
func (r *run) skeleton(ctx context.Context, s *model.Service, op *model.Operation, kind string, params *document.Map, g *settings) (int, error) {
	switch kind {
	case "input":
		_, err := io.WriteString(r.Stdout, param.SkeletonJSON(op.Input))
		return exitOK, err
	case "yaml-input":
		_, err := io.WriteString(r.Stdout, param.SkeletonYAML(op.Input, r.describe(s)))
		return exitOK, err
	}
	if _, err := r.session.connect(ctx, s, g, "", r.trace); err != nil { // AWS's makes one, and fails where that fails
		return 0, err
	}
	if err := param.Validate(params, op.Input); err != nil {
		return 0, err
	}
	return r.sample(ctx, op, g)
}

// sample shows an example of the operation's output, where the model takes it for one.
func (r *run) sample(ctx context.Context, op *model.Operation, g *settings) (int, error) {
	sample := param.OutputSkeleton(op.Output)
	if err := param.Validate(sample.(*document.Map), op.Output); err != nil {
		return 0, err
	}
	return exitOK, r.display(ctx, op, sample, g)
}

// describe says of a member what AWS says of it, where this machine has that, else what apron says.
func (r *run) describe(s *model.Service) func(*model.Shape, model.Member) string {
	docs := awsdocs.Find(s.Name, r.LookupEnv)
	return func(in *model.Shape, m model.Member) string {
		if text, ok := docs.Member(in.Name, m.Name); ok {
			return text
		}
		return help.Member(s, in, m)
	}
}

// display shows a response, queried, formatted and paged as the options and the configuration say.
func (r *run) display(ctx context.Context, op *model.Operation, answer any, g *settings) error {
	v, err := r.view(g)
	if err != nil {
		return err
	}
	r.colored = v.options.Colored()
	stream, err := output.OpenStream(ctx, v.pager, r.Stdout)
	if err != nil {
		return err
	}
	if g.query != nil {
		answer, err = g.query.Search(answer)
	}
	if err == nil {
		err = output.Write(stream, op.Name, answer, v.options)
	}
	return errors.Join(err, stream.Close())
}

// view is how responses are shown.
type view struct {
	options output.Options
	pager   output.PagerConfig
}

func (r *run) view(g *settings) (v view, err error) {
	v.pager = output.PagerConfig{Terminal: isTerminal(r.Stdout), Environ: r.Environ()}
	if !g.noPager {
		if v.pager.Command, err = r.session.Pager(); err != nil {
			return v, err
		}
	}
	v.options = output.Options{
		Format: g.output, Color: g.color, Terminal: v.pager.Terminal, Paged: v.pager.Paged(), Width: output.TerminalWidth(r.Stdout),
	}
	if v.options.Format == "" {
		if v.options.Format, err = r.session.Output(); err != nil {
			return v, err
		}
	}
	return v, v.options.Check()
}
