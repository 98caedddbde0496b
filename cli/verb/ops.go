package verb

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"apron/api"
	"apron/cli/progress"
)

func opsCommand(cfg *Config) *cobra.Command {
	var f flags
	var limit int
	cmd := &cobra.Command{
		Use: "ops NAME", Short: "List the operations of a service", Args: named(0),
		Long:              "List the operations of a service, newest first.",
		ValidArgsFunction: completeNames(cfg, &f),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, t, err := cfg.reach(cmd, &f, args[0])
		if err != nil {
			return err
		}
		list, err := s.operations(cmd.Context(), t, limit)
		if err != nil {
			return err
		}
		if s.json {
			return s.print(struct{ OperationSummaryList []api.OperationSummary }{list})
		}
		commits, err := s.commits(cmd.Context(), t)
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
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "how many of the newest")
	f.connection(cmd, cfg)
	f.output(cmd)
	return cmd
}

// commits are those that the service's deployments were built from, by the operations that made them. A deleted service
// has no deployments any more.
func (s *session) commits(ctx context.Context, t target) (map[string]string, error) {
	list, err := s.deployments(ctx, t)
	if isRefusal(err, "ResourceNotFoundException") {
		return nil, nil
	}
	found := map[string]string{}
	for _, d := range list {
		if d.Commit != nil {
			found[d.OperationId] = commit(d.Commit, d.CommitSubject)
		}
	}
	return found, err
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
