package verb

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"apron/api"
)

const deleting = "deleting"

// change is a verb that begins an operation on a service and follows it to its end.
type change struct {
	use, short, long string
	doing            string // as in "pausing web-app"
	more             int    // how many arguments may follow the service
	begin            func(ctx context.Context, s *session, t target, args []string) (begun, error)
}

// changes are the verbs that need nothing but a service.
var changes = []change{
	{
		use: "pause NAME", short: "Take a service to zero and keep what it was deployed from",
		long:  "Take a service to zero: no process and no memory is left of it, and its URL answers 404. Configuration, URL and image are kept.",
		doing: "pausing", begin: pause,
	},
	{
		use: "resume NAME", short: "Bring a paused service back",
		long:  "Bring back the version that was deployed before the pause, without a pull or build.",
		doing: "resuming", begin: resume,
	},
	{
		use: "deploy NAME", short: "Deploy the newest commit of a service's branch, or what its image reference points to now",
		long: "Deploy the newest commit of the service's branch or, where it has an image, what the reference points to now. `apron up`\n" +
			"deploys a directory as it is, or another image.",
		doing: "deploying", begin: deploy,
	},
	{
		use: "rm NAME", short: "Delete a service",
		long:  "Delete a service with its instances and its URL. Its name is free at once.",
		doing: deleting, begin: remove,
	},
}

func changeCommand(cfg *Config, c change) *cobra.Command {
	var f flags
	cmd := &cobra.Command{Use: c.use, Short: c.short, Long: c.long, Args: named(c.more), ValidArgsFunction: completeNames(cfg, &f)}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, t, err := cfg.reach(cmd, &f, args[0])
		if err != nil {
			return err
		}
		b, err := c.begin(cmd.Context(), s, t, args[1:])
		if err != nil {
			return s.busy(cmd.Context(), t, err)
		}
		b.target, b.doing = t, c.doing
		return s.follow(cmd.Context(), &f, b)
	}
	f.connection(cmd, cfg)
	f.output(cmd)
	f.waiting(cmd)
	return cmd
}

func pause(ctx context.Context, s *session, t target, _ []string) (begun, error) {
	out, err := invoke[api.PauseServiceResponse](ctx, s, "PauseService", &api.PauseServiceRequest{ServiceArn: t.arn})
	if err != nil {
		return begun{}, err
	}
	return begun{service: out.Service, operation: deref(out.OperationId)}, nil
}

func resume(ctx context.Context, s *session, t target, _ []string) (begun, error) {
	out, err := invoke[api.ResumeServiceResponse](ctx, s, "ResumeService", &api.ResumeServiceRequest{ServiceArn: t.arn})
	if err != nil {
		return begun{}, err
	}
	return begun{service: out.Service, operation: deref(out.OperationId)}, nil
}

func deploy(ctx context.Context, s *session, t target, _ []string) (begun, error) {
	out, err := invoke[api.StartDeploymentResponse](ctx, s, "StartDeployment", &api.StartDeploymentRequest{ServiceArn: t.arn})
	if err != nil {
		return begun{}, err
	}
	return begun{operation: out.OperationId}, nil
}

func remove(ctx context.Context, s *session, t target, _ []string) (begun, error) {
	out, err := invoke[api.DeleteServiceResponse](ctx, s, "DeleteService", &api.DeleteServiceRequest{ServiceArn: t.arn})
	if err != nil {
		return begun{}, err
	}
	return begun{service: out.Service, operation: out.OperationId}, nil
}

// busy adds to a refusal what can be done about the service's status: the server speaks of API actions, people type verbs.
func (s *session) busy(ctx context.Context, t target, err error) error {
	if _, is := errors.AsType[refused](err); !is {
		return err
	}
	svc, failed := s.describe(ctx, t.arn)
	if failed != nil {
		return err
	}
	switch svc.Status {
	case api.StatusOperationInProgress:
		return fmt.Errorf("%w `apron ops %s` shows what is under way, `apron cancel %s` ends it", err, t.name, t.name)
	case api.StatusPaused:
		return fmt.Errorf("%w `apron resume %s` brings it back first", err, t.name)
	case api.StatusCreateFailed:
		return fmt.Errorf("%w It could not be created: `apron show %s` says why, `apron up` tries again with what is mended, `apron rm %s` deletes it", err, t.name, t.name)
	}
	return err
}
