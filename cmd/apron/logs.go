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

	"apron/api"
	"apron/cli/verb"
	"apron/logs"
)

// storedLogs shows what the data directory has kept of a service, whether its server runs or not. A name means the newest
// service that has or had it, of any account and region; an ARN means that one.
func storedLogs(ctx context.Context, w io.Writer, data, name string, what verb.Logs) error {
	cfg := Config{Data: data}
	if err := cfg.checkData(); err != nil {
		return err
	}
	l, svc, err := findLogs(cfg.Data, name)
	if err != nil {
		return err
	}
	stream, err := storedStream(l, svc, what)
	if err != nil {
		return err
	}
	if !what.Follow {
		if err := anyLine(l, svc, stream); err != nil {
			return err
		}
		done, cancel := context.WithCancel(ctx)
		cancel() // Follow then shows what there is and returns
		ctx = done
	}
	return l.Follow(ctx, w, svc, what.Lines, stream)
}

// storedStream is the stream that is asked for; a name that ends in a slash is all streams below it.
func storedStream(l *logs.Logs, svc logs.Service, what verb.Logs) (string, error) {
	switch {
	case what.Stream == api.LogStreamEvents:
		return logs.EventsStream, nil
	case what.Stream == api.LogStreamAccess:
		return logs.AccessStream, nil
	case what.Operation != "":
		return logs.DeploymentStream(what.Operation), nil
	case what.Stream == api.LogStreamDeployment:
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
	switch {
	case slices.ContainsFunc(streams, func(s logs.Stream) bool { return strings.HasPrefix(s.Name, stream) }):
		return nil
	case stream == logs.AccessStream:
		return fmt.Errorf("service %s has answered no request yet, or its tag apron:access-log is off", svc.Name)
	default:
		return fmt.Errorf("service %s has printed nothing yet; --events and --deployment show what apron did", svc.Name)
	}
}
