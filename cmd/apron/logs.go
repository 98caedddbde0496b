package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"apron/api"
	"apron/logs"
)

// logsOptions are the flags of `apron logs`.
type logsOptions struct {
	data                       string
	follow, events, deployment bool
	lines                      int
}

func logsCommand() *cobra.Command {
	cfg := defaults()
	var opts logsOptions
	cmd := &cobra.Command{
		Use:   "logs NAME|ARN",
		Short: "Show what a service's instances print, its events, or its last deployment's log",
		Long: "Show what a service's instances print, its events, or its last deployment's log. A name means the newest service that has or\n" +
			"had it, of any account and region; an ARN means that one.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one service, as in `apron logs web-app`")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cfg.checkData(); err != nil {
				return err
			}
			opts.data = cfg.Data
			return showLogs(cmd.Context(), cmd.OutOrStdout(), args[0], opts)
		},
	}
	cfg.bindData(cmd.Flags())
	cmd.Flags().BoolVarP(&opts.follow, "follow", "f", false, "go on with what is written from now on")
	cmd.Flags().BoolVar(&opts.events, "events", false, "the service's events")
	cmd.Flags().BoolVar(&opts.deployment, "deployment", false, "the log of the last create, update or deployment")
	cmd.Flags().IntVarP(&opts.lines, "lines", "n", 100, "how many of the last lines of each stream to begin with")
	cmd.MarkFlagsMutuallyExclusive("events", "deployment")
	return cmd
}

func showLogs(ctx context.Context, w io.Writer, name string, opts logsOptions) error {
	l, svc, err := findLogs(opts.data, name)
	if err != nil {
		return err
	}
	stream, err := opts.stream(l, svc)
	if err != nil {
		return err
	}
	if !opts.follow {
		if err := anyLine(l, svc, stream); err != nil {
			return err
		}
		done, cancel := context.WithCancel(ctx)
		cancel() // Follow then shows what there is and returns
		ctx = done
	}
	return l.Follow(ctx, w, svc, opts.lines, stream)
}

// stream is the one that the flags choose; a name that ends in a slash is all streams below it.
func (o logsOptions) stream(l *logs.Logs, svc logs.Service) (string, error) {
	switch {
	case o.events:
		return logs.EventsStream, nil
	case o.deployment:
		return lastDeployment(l, svc)
	default:
		return "instance/", nil
	}
}

// findLogs opens the logs of the service with that ARN, or of the newest one of that name, running server or not.
func findLogs(data, name string) (*logs.Logs, logs.Service, error) {
	dir := filepath.Join(data, "logs")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, logs.Service{}, fmt.Errorf("there are no logs in %s; name the server's directory with --data", data)
	}
	l, err := logs.Open(dir, logs.Config{})
	if err != nil {
		return nil, logs.Service{}, fmt.Errorf("%w; %s", err, dataRemedy(err))
	}
	if strings.HasPrefix(name, "arn:") {
		svc, err := serviceOf(name)
		return l, svc, err
	}
	svc, err := l.Find(name)
	if errors.Is(err, logs.ErrNotFound) {
		return nil, svc, fmt.Errorf("no service named %s has a log in %s; `aws apprunner list-services` shows the names", name, data)
	}
	return l, svc, err
}

func serviceOf(arn string) (logs.Service, error) {
	parsed, err := api.ParseARN(arn, api.ResourceService)
	return logs.Service{Name: parsed.Name, ID: parsed.ID}, err
}

// lastDeployment is the deployment stream that was written to last.
func lastDeployment(l *logs.Logs, svc logs.Service) (string, error) {
	streams, err := l.Streams(svc)
	if err != nil {
		return "", err
	}
	streams = slices.DeleteFunc(streams, func(s logs.Stream) bool { return !strings.HasPrefix(s.Name, "deployment/") })
	if len(streams) == 0 {
		return "", fmt.Errorf("service %s has no deployment log yet", svc.Name)
	}
	last := slices.MaxFunc(streams, func(a, b logs.Stream) int { return cmp.Compare(a.LastWrite.UnixNano(), b.LastWrite.UnixNano()) })
	return last.Name, nil
}

// anyLine turns silence into a sentence.
func anyLine(l *logs.Logs, svc logs.Service, stream string) error {
	streams, err := l.Streams(svc)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(streams, func(s logs.Stream) bool { return strings.HasPrefix(s.Name, stream) }) {
		return fmt.Errorf("service %s has printed nothing yet; --events and --deployment show what apron did", svc.Name)
	}
	return nil
}
