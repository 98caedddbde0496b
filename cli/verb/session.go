package verb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"apron/api"
	"apron/awsjson"
	"apron/cli/progress"
)

// session is a verb that knows its server.
type session struct {
	client   *awsjson.Client
	endpoint string
	// credentials sign requests, and log in to the registry.
	credentials func(context.Context) (awsjson.Credentials, error)

	out  io.Writer // what was asked for
	side io.Writer // what is said beside it: progress, hints, the reasons of failures
	json bool

	scheme scheme
}

// connect finds the server. It asks nothing of it yet.
func (cfg *Config) connect(cmd *cobra.Command, f *flags) (*session, error) {
	set, err := cfg.settings(cmd, f)
	if err != nil {
		return nil, err
	}
	return &session{
		client: set.client(), endpoint: set.endpoint, credentials: set.credentials,
		out: cmd.OutOrStdout(), side: cmd.ErrOrStderr(), json: f.json,
	}, nil
}

// reach finds the server, and on it the service of that name or ARN.
func (cfg *Config) reach(cmd *cobra.Command, f *flags, name string) (*session, target, error) {
	s, err := cfg.connect(cmd, f)
	if err != nil {
		return nil, target{}, err
	}
	t, err := s.find(cmd.Context(), name)
	return s, t, err
}

// invoke calls an action.
func invoke[Out, In any](ctx context.Context, s *session, action string, in *In) (*Out, error) {
	out, err := awsjson.Call[In, Out](ctx, s.client, action, in)
	if e, ok := errors.AsType[*awsjson.APIError](err); ok {
		return nil, refused{e}
	}
	if e, ok := errors.AsType[*awsjson.ConnectionError](err); ok && e.Kind == awsjson.FaultConnect {
		err = fmt.Errorf("%w; is the server running there? `apron serve` starts one on this machine", err)
	}
	return out, err
}

// ask is a command that calls one action and shows the answer: as it is for --json, or else as show does.
func ask[Out, In any](cfg *Config, cmd *cobra.Command, f *flags, action string, in *In, show func(*session, *Out) error) error {
	s, err := cfg.connect(cmd, f)
	if err != nil {
		return err
	}
	out, err := invoke[Out](cmd.Context(), s, action, in)
	if err != nil {
		return err
	}
	if s.json {
		return s.print(out)
	}
	return show(s, out)
}

func (s *session) describe(ctx context.Context, arn string) (*api.Service, error) {
	out, err := invoke[api.DescribeServiceResponse](ctx, s, "DescribeService", &api.DescribeServiceRequest{ServiceArn: arn})
	if err != nil {
		return nil, err
	}
	return out.Service, nil
}

// say writes a line of what was asked for.
func (s *session) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// tell writes a line beside it, for people alone.
func (s *session) tell(format string, args ...any) {
	if !s.json {
		fmt.Fprintf(s.side, format+"\n", args...)
	}
}

func (s *session) line() *progress.Line {
	if s.json {
		return progress.New(nil)
	}
	return progress.New(s.side)
}

// print writes the document of --json.
func (s *session) print(document any) error {
	e := json.NewEncoder(s.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(document)
}

// refused is the server's own word, without the frame in which AWS's command line shows it.
type refused struct{ *awsjson.APIError }

func (e refused) Error() string { return e.Message }

func (e refused) Unwrap() error { return e.APIError }

// isRefusal reports whether the server refused with that exception.
func isRefusal(err error, code string) bool {
	e, ok := errors.AsType[*awsjson.APIError](err)
	return ok && e.Code == code
}
