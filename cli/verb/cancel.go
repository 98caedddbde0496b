package verb

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"apron/api"
	"apron/cli/wait"
)

func cancelCommand(cfg *Config) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "cancel NAME [OPERATION]",
		Short: "End the operation that is under way on a service, and undo what it has done",
		Long: "End the operation that is under way on a service at its next step, and undo what it has done. With OPERATION it is ended\n" +
			"only if it is that one.",
		Args:              named(1),
		ValidArgsFunction: completeNames(cfg, &f),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, t, err := cfg.reach(cmd, &f, args[0])
		if err != nil {
			return err
		}
		in := &api.CancelOperationRequest{ServiceArn: t.arn}
		if len(args) > 1 {
			in.OperationId = &args[1]
		}
		out, err := invoke[api.CancelOperationResponse](cmd.Context(), s, "CancelOperation", in)
		if err != nil {
			return err
		}
		return s.followCancel(cmd.Context(), &f, begun{target: t, doing: "cancelling the operation of", service: out.Service, operation: out.OperationId})
	}
	f.connection(cmd, cfg)
	f.output(cmd)
	f.waiting(cmd)
	return cmd
}

// followCancel waits until the operation has ended. That it did not succeed is what was wanted.
func (s *session) followCancel(ctx context.Context, f *flags, b begun) error {
	if !f.wait {
		return s.leave(b)
	}
	w, clear := s.waiter(f, b.doing+" "+b.name)
	op, err := w.Operation(ctx, b.arn, b.operation)
	clear()
	if e, ok := errors.AsType[*wait.Error](err); err != nil && (!ok || e.Outcome == wait.TimedOut || ctx.Err() != nil) {
		return s.explain(ctx, b, op, err)
	}
	svc, err := s.describe(ctx, b.arn)
	if err != nil {
		return err
	}
	failure := notCancelled(op, b)
	if s.json {
		return errors.Join(s.print(result{Service: svc, OperationId: b.operation, Operation: op}), failure)
	}
	if failure == nil {
		s.say("operation %s is cancelled; %s", op.Id, s.settled(svc))
	}
	return failure
}

// notCancelled says what went otherwise than asked for.
func notCancelled(op *api.Operation, b begun) error {
	switch op.Status {
	case api.OperationSucceeded:
		return fmt.Errorf("operation %s of %s had succeeded before it could be cancelled; `apron rollback %s` goes back", op.Id, b.name, b.reference())
	case api.OperationRollbackFailed:
		return fmt.Errorf("operation %s of %s is cancelled, but not all could be undone: %s", op.Id, b.name, deref(op.Reason))
	}
	return nil
}
