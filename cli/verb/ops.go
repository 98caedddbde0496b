package verb

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"apron/api"
	"apron/cli/progress"
	"apron/cli/wait"
)

func opsCommand(cfg *Config) *cobra.Command {
	var f flags
	var limit int
	cmd := &cobra.Command{
		Use: "ops NAME [OPERATION]", Short: "List the operations of a service, or show one with its steps", Args: named(1),
		Long:              "List the operations of a service, newest first, or show OPERATION: its steps, and where its time went.",
		ValidArgsFunction: completeNames(cfg, &f),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, t, err := cfg.reach(cmd, &f, args[0])
		if err != nil {
			return err
		}
		if len(args) > 1 {
			return s.showOperation(cmd.Context(), t, args[1])
		}
		return s.listOperations(cmd.Context(), t, limit)
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "how many of the newest")
	f.connection(cmd, cfg)
	f.output(cmd)
	return cmd
}

func (s *session) listOperations(ctx context.Context, t target, limit int) error {
	list, err := s.operations(ctx, t, limit)
	if err != nil {
		return err
	}
	if s.json {
		return s.print(struct{ OperationSummaryList []api.OperationSummary }{list})
	}
	commits, err := s.commits(ctx, t, list)
	if err != nil {
		return err
	}
	table := s.table("ID", "TYPE", "STATUS", "STARTED", "TOOK", mark(len(commits) > 0, "COMMIT"))
	for _, op := range list {
		id := deref(op.Id)
		table.row(id, string(deref(op.Type)), string(deref(op.Status)), ago(deref(op.StartedAt).Time), took(op), commits[id])
	}
	return table.Flush()
}

// commits are those that operations of a service from source were to deploy, whatever came of them. AWS's list of
// operations has no commits, so each is asked for. A deleted service has none of them any more.
func (s *session) commits(ctx context.Context, t target, list []api.OperationSummary) (map[string]string, error) {
	svc, err := s.describe(ctx, t.arn)
	if err != nil || !fromSource(svc) {
		if isRefusal(err, "ResourceNotFoundException") {
			err = nil
		}
		return nil, err
	}
	found := map[string]string{}
	for _, summary := range list {
		id := deref(summary.Id)
		op, err := wait.From(s.client).Operation(ctx, t.arn, id)
		if err != nil {
			return nil, err
		}
		if op != nil && op.Commit != nil {
			found[id] = commit(op.Commit, op.CommitSubject)
		}
	}
	return found, nil
}

func fromSource(svc *api.Service) bool {
	return svc.SourceConfiguration != nil && svc.SourceConfiguration.CodeRepository != nil
}

// showOperation shows what there is to know of an operation.
func (s *session) showOperation(ctx context.Context, t target, id string) error {
	out, err := invoke[api.DescribeOperationResponse](ctx, s, "DescribeOperation", &api.DescribeOperationRequest{ServiceArn: t.arn, OperationId: id})
	if err != nil {
		return err
	}
	if s.json {
		return s.print(out)
	}
	op := out.Operation
	if op.Commit != nil {
		s.say("Commit %s", commit(op.Commit, op.CommitSubject))
	}
	if op.Reason != nil {
		s.say("%s", *op.Reason)
	}
	table := s.table("STEP", "STATUS", "TOOK")
	for _, step := range op.Steps {
		table.row(step.Name, string(step.Status), spent(step.Milliseconds))
		for _, p := range step.Phases {
			table.row("  "+p.Name, "", spent(&p.Milliseconds))
		}
	}
	return table.Flush()
}

// spent is how long a part of an operation took, empty where that is not known.
func spent(ms *int) string {
	if ms == nil {
		return ""
	}
	return (time.Duration(*ms) * time.Millisecond).String()
}

func took(op api.OperationSummary) string {
	if op.EndedAt == nil {
		return progress.Short(time.Since(deref(op.StartedAt).Time)) + " so far"
	}
	return progress.Short(op.EndedAt.Sub(deref(op.StartedAt).Time))
}

// mostInPage is how many operations ListOperations shows at once.
const mostInPage = 20

func (s *session) operations(ctx context.Context, t target, limit int) ([]api.OperationSummary, error) {
	list := []api.OperationSummary{}
	in := &api.ListOperationsRequest{ServiceArn: t.arn}
	for len(list) < limit {
		in.MaxResults = new(min(limit-len(list), mostInPage))
		out, err := invoke[api.ListOperationsResponse](ctx, s, "ListOperations", in)
		if err != nil {
			return nil, err
		}
		list = append(list, out.OperationSummaryList...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	return list, nil
}
