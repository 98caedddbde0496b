package verb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"apron/api"
	"apron/cli/wait"
)

// Logs says what of a service's logs is to be shown.
type Logs struct {
	Stream    api.LogStream
	Operation string // of Stream DEPLOYMENT; empty for the last one
	Lines     int    // the last ones to begin with
	Follow    bool   // go on with what is written from now on
}

func logsCommand(cfg *Config) *cobra.Command {
	var f flags
	var follow, events, deployment, access bool
	var operation string
	var lines int
	cmd := &cobra.Command{
		Use:   "logs NAME|ARN",
		Short: "Show what a service's instances print, its requests, its events, or its last deployment's log",
		Long: "Show what a service's instances print, its requests, its events, or its last deployment's log. Where the server is\n" +
			"stopped, or the service is deleted, they are read from the data directory, by whoever owns it.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one service, as in `apron logs web-app`")
			}
			return nil
		},
		ValidArgsFunction: completeNames(cfg, &f),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		stream, err := chosenStream(events, access, deployment || operation != "")
		if err != nil {
			return err
		}
		what := Logs{Stream: stream, Operation: operation, Lines: lines, Follow: follow}
		return cfg.logs(cmd, &f, args[0], what)
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what is written from now on")
	cmd.Flags().BoolVar(&events, "events", false, "the service's events")
	cmd.Flags().BoolVar(&access, "access", false, "the service's requests, a line of JSON each")
	cmd.Flags().BoolVar(&deployment, "deployment", false, "the log of the last create, update or deployment")
	cmd.Flags().StringVar(&operation, "operation", "", "the log of the deployment that this operation made")
	cmd.Flags().IntVarP(&lines, "lines", "n", 100, "how many of the last lines to begin with")
	f.connection(cmd, cfg)
	return cmd
}

// chosenStream is the one log that the flags ask for.
func chosenStream(events, access, deployment bool) (api.LogStream, error) {
	switch {
	case events && deployment, events && access, access && deployment:
		return "", Usage(errors.New("--events, --access and the log of a deployment are different logs; ask for one of them"))
	case events:
		return api.LogStreamEvents, nil
	case access:
		return api.LogStreamAccess, nil
	case deployment:
		return api.LogStreamDeployment, nil
	}
	return api.LogStreamApplication, nil
}

// logs asks the server, and where there is none, or none that knows the service, the files that it has left.
func (cfg *Config) logs(cmd *cobra.Command, f *flags, name string, what Logs) error {
	s, err := cfg.connect(cmd, f)
	if err != nil {
		return cfg.storedLogs(cmd, f, name, what, nil)
	}
	t, err := s.find(cmd.Context(), name)
	if err == nil {
		err = s.logs(cmd.Context(), t, what)
	}
	if _, unknown := errors.AsType[unknownService](err); unknown || isRefusal(err, "ResourceNotFoundException") || s.failed(cmd.Context(), err) {
		return cfg.storedLogs(cmd, f, name, what, err)
	}
	return err
}

// failed reports that err is the word of a server on this machine, which may be stopped or not know the key that is
// configured: its files are here.
func (s *session) failed(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && onThisMachine(s.endpoint)
}

// storedLogs reads the data directory. Where that is not for this user, or the server knows better which services there
// are, the server's word counts, unless the command line names the directory.
func (cfg *Config) storedLogs(cmd *cobra.Command, f *flags, name string, what Logs, refused error) error {
	err := cfg.StoredLogs(cmd.Context(), cmd.OutOrStdout(), f.data, name, what)
	_, unknown := errors.AsType[unknownService](refused)
	if err != nil && !cmd.Flags().Changed("data") && (unknown || refused != nil && errors.Is(err, fs.ErrPermission)) {
		return refused
	}
	return err
}

// mostLines is how many lines ListLogEvents shows at once.
const mostLines = 10000

const logPause = 200 * time.Millisecond

func (s *session) logs(ctx context.Context, t target, what Logs) error {
	in := logRequest(t, what)
	for first := true; ; first = false {
		out, err := s.logLines(ctx, in)
		if ctx.Err() != nil && what.Follow {
			return nil
		}
		if err != nil {
			return err
		}
		if first && len(out.Events) == 0 && !what.Follow && what.Lines > 0 {
			return noLine(t, what)
		}
		if first && what.Lines <= 0 {
			out.Events = nil // it was asked for its token
		}
		for _, e := range out.Events {
			if err := printEvent(s.out, e); err != nil {
				return err
			}
		}
		if !what.Follow {
			return nil
		}
		in.NextToken, in.Limit = &out.NextToken, new(mostLines)
		if len(out.Events) > 0 && !first {
			continue // there may be more already
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(logPause):
		}
	}
}

func logRequest(t target, what Logs) *api.ListLogEventsRequest {
	in := &api.ListLogEventsRequest{ServiceArn: t.arn, Stream: what.Stream, Limit: new(min(max(what.Lines, 1), mostLines))}
	if what.Operation != "" {
		in.OperationId = &what.Operation
	}
	return in
}

// logLines reads lines, and asks again while the server is away: whoever follows a log over the server's restart wants
// to see what came after it.
func (s *session) logLines(ctx context.Context, in *api.ListLogEventsRequest) (*api.ListLogEventsResponse, error) {
	for since := time.Now(); ; {
		out, err := invoke[api.ListLogEventsResponse](ctx, s, "ListLogEvents", in)
		if err == nil || in.NextToken == nil || !wait.Passing(err) || time.Since(since) > wait.Patience {
			return out, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(logPause):
		}
	}
}

// noLine turns no lines at all into a sentence.
func noLine(t target, what Logs) error {
	switch what.Stream {
	case api.LogStreamApplication:
		return fmt.Errorf("service %s has printed nothing yet; --events and --deployment show what apron did", t.name)
	case api.LogStreamAccess:
		return fmt.Errorf("service %s has answered no request yet, or its tag apron:access-log is off", t.name)
	}
	return fmt.Errorf("service %s has no such log yet", t.name)
}

// printEvent writes a line as the server's files have it: what comes from one of several instances names it.
func printEvent(w io.Writer, e api.LogEvent) error {
	var text strings.Builder
	if strings.HasPrefix(e.Stream, "instance/") {
		text.WriteString(e.Stream + " ")
	}
	if e.Timestamp != nil {
		text.WriteString(e.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z07:00") + " ")
	}
	_, err := fmt.Fprintln(w, text.String()+e.Message)
	return err
}

// lastLines is how many lines a failure is shown with.
const lastLines = 12

// lastWords shows how the log of what failed ends: a deployment's own, or for what is none the instances'. A log that
// cannot be read is no reason to say less of the failure itself.
func (s *session) lastWords(ctx context.Context, b begun) {
	if s.json || b.shown {
		return
	}
	in := &api.ListLogEventsRequest{ServiceArn: b.arn, Stream: api.LogStreamDeployment, OperationId: &b.operation, Limit: new(lastLines)}
	out, err := invoke[api.ListLogEventsResponse](ctx, s, "ListLogEvents", in)
	if err != nil || len(out.Events) == 0 {
		in.Stream, in.OperationId = api.LogStreamApplication, nil
		out, err = invoke[api.ListLogEventsResponse](ctx, s, "ListLogEvents", in)
	}
	if err != nil {
		return
	}
	for _, e := range out.Events {
		if printEvent(s.side, e) != nil {
			return
		}
	}
}
