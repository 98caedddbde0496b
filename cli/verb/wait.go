package verb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"apron/api"
	"apron/cli/wait"
)

func waitCommand(cfg *Config) *cobra.Command {
	var f flags
	var service string
	cmd := &cobra.Command{
		Use:   "wait NAME running|paused|deleted, or apron wait operation ID",
		Short: "Wait until a service is in a state, or an operation has ended",
		Long: "Wait until a service is in a state, or an operation has ended. A service that is running because its last update failed\n" +
			"and was rolled back is not what was waited for: the exit code tells it from a success.",
		Example: "  apron wait web-app running --timeout 2m\n  apron wait operation 8f3c... --service web-app",
		Args:    waitArgs,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 && args[0] != operationWord {
				return wantedStates(), cobra.ShellCompDirectiveNoFileComp
			}
			return completeNames(cfg, &f)(cmd, args, prefix)
		},
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := cfg.connect(cmd, &f)
		if err != nil {
			return err
		}
		if isState(args[1]) {
			return s.waitService(cmd.Context(), &f, args[0], wait.State(args[1]))
		}
		return s.waitOperation(cmd.Context(), &f, args[1], service)
	}
	cmd.Flags().StringVar(&service, "service", "", "the service that the operation is of; without it all services are searched")
	f.connection(cmd, cfg)
	f.output(cmd)
	f.limit(cmd)
	return cmd
}

const operationWord = "operation"

func waitArgs(_ *cobra.Command, args []string) error {
	const form = "the forms are `apron wait NAME running|paused|deleted` and `apron wait operation ID`"
	if len(args) != 2 {
		return errors.New(form)
	}
	if !isState(args[1]) && args[0] != operationWord {
		return fmt.Errorf("%q is no state; %s", args[1], form)
	}
	return nil
}

func isState(word string) bool { return slices.Contains(wait.States, wait.State(word)) }

func wantedStates() []string {
	var words []string
	for _, s := range wait.States {
		words = append(words, string(s))
	}
	return words
}

func (s *session) waitService(ctx context.Context, f *flags, name string, want wait.State) error {
	t, err := s.find(ctx, name)
	if _, unknown := errors.AsType[unknownService](err); unknown && want == wait.Deleted {
		return s.gone(name)
	}
	if err != nil {
		return err
	}
	w, clear := s.waiter(f, fmt.Sprintf("waiting for %s to be %s", t.name, want))
	svc, err := w.Service(ctx, t.arn, want)
	clear()
	switch {
	case err != nil:
		return s.unfulfilled(ctx, t, want, svc, err)
	case svc == nil:
		return s.gone(t.name)
	case s.json:
		return s.print(result{Service: svc})
	}
	s.say("%s", s.settled(svc))
	return nil
}

// gone answers a wait for the deletion of what is not there any more.
func (s *session) gone(name string) error {
	if s.json {
		return s.print(result{})
	}
	s.say("no service named %s is left", name)
	return nil
}

// unfulfilled says what a service came to instead of what was waited for.
func (s *session) unfulfilled(ctx context.Context, t target, want wait.State, svc *api.Service, err error) error {
	if ctx.Err() != nil {
		return exit{fmt.Errorf("stopped waiting for %s to be %s; what is under way goes on on the server, `apron ops %s` shows it", t.name, want, t.name), codeInterrupted}
	}
	e, ok := errors.AsType[*wait.Error](err)
	if !ok {
		return err
	}
	if s.json && svc != nil {
		if err := s.print(result{Service: svc, Operation: e.Operation}); err != nil {
			return err
		}
	}
	switch e.Outcome {
	case wait.TimedOut:
		return exit{fmt.Errorf("%s is not %s yet%s; `apron ops %s` shows what is under way", t.name, want, statusOf(svc), t.name), codeTimedOut}
	case wait.RolledBack:
		return exit{fmt.Errorf("%s is %s because its last operation failed and was rolled back: %s", t.name, svc.Status, reason(e.Operation, e)), codeRolledBack}
	}
	return fmt.Errorf("%s is not %s%s: %s", t.name, want, statusOf(svc), reason(e.Operation, e))
}

func statusOf(svc *api.Service) string {
	if svc == nil {
		return ""
	}
	return ", it is " + string(svc.Status)
}

func (s *session) waitOperation(ctx context.Context, f *flags, id, service string) error {
	t, err := s.ownerOf(ctx, id, service)
	if err != nil {
		return err
	}
	b := begun{target: t, doing: "the operation of", operation: id}
	op, failure := s.await(ctx, f, b, "waiting for the operation of "+t.name)
	if s.json && op != nil {
		return errors.Join(s.print(result{Operation: op}), failure)
	}
	if failure != nil {
		return failure
	}
	s.say("operation %s of %s is %s", op.Id, t.name, op.Status)
	return nil
}

// ownerOf finds the service that has the operation. Those that are working on something are asked first.
func (s *session) ownerOf(ctx context.Context, id, service string) (target, error) {
	if service != "" {
		return s.find(ctx, service)
	}
	list, err := s.services(ctx)
	if err != nil {
		return target{}, err
	}
	slices.SortStableFunc(list, func(a, b api.ServiceSummary) int { return workingFirst(a) - workingFirst(b) })
	from := wait.From(s.client)
	for _, svc := range list {
		op, err := from.Operation(ctx, deref(svc.ServiceArn), id)
		if op != nil {
			return target{arn: deref(svc.ServiceArn), name: deref(svc.ServiceName)}, nil
		}
		if err != nil && !isRefusal(err, "ResourceNotFoundException") {
			return target{}, err
		}
	}
	return target{}, fmt.Errorf("no service here has an operation %s; name a deleted service by its ARN with --service", strings.TrimSpace(id))
}

func workingFirst(svc api.ServiceSummary) int {
	if deref(svc.Status) == api.StatusOperationInProgress {
		return 0
	}
	return 1
}
