package verb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"apron/api"
)

func rollbackCommand(cfg *Config) *cobra.Command {
	var f flags
	var list bool
	cmd := &cobra.Command{
		Use:   "rollback NAME [OPERATION]",
		Short: "Deploy an earlier deployment of a service again",
		Long: "Deploy the deployment before the current one again, with its image and its settings and without a pull, or the one that\n" +
			"OPERATION made. --list shows those that there are.",
		Args:              named(1),
		ValidArgsFunction: completeNames(cfg, &f),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, t, err := cfg.reach(cmd, &f, args[0])
		if err != nil {
			return err
		}
		if list {
			return s.listDeployments(cmd.Context(), t)
		}
		b, err := rollback(cmd.Context(), s, t, args[1:])
		if err != nil {
			return s.busy(cmd.Context(), t, err)
		}
		return s.follow(cmd.Context(), &f, b)
	}
	cmd.Flags().BoolVar(&list, "list", false, "list the deployments that can be gone back to, and change nothing")
	f.connection(cmd, cfg)
	f.output(cmd)
	f.waiting(cmd)
	return cmd
}

func rollback(ctx context.Context, s *session, t target, args []string) (begun, error) {
	in := &api.RollbackServiceRequest{ServiceArn: t.arn}
	if len(args) > 0 {
		in.OperationId = &args[0]
	}
	out, err := invoke[api.RollbackServiceResponse](ctx, s, "RollbackService", in)
	if err != nil {
		return begun{}, err
	}
	return begun{target: t, doing: "rolling back", service: out.Service, operation: out.OperationId}, nil
}

func (s *session) listDeployments(ctx context.Context, t target) error {
	all := struct{ DeploymentSummaryList []api.DeploymentSummary }{[]api.DeploymentSummary{}}
	for in := (&api.ListDeploymentsRequest{ServiceArn: t.arn}); ; {
		out, err := invoke[api.ListDeploymentsResponse](ctx, s, "ListDeployments", in)
		if err != nil {
			return err
		}
		all.DeploymentSummaryList = append(all.DeploymentSummaryList, out.DeploymentSummaryList...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if s.json {
		return s.print(all)
	}
	table := s.table("OPERATION", "BY", "DEPLOYED", "IMAGE", "DIGEST", "")
	for _, d := range all.DeploymentSummaryList {
		table.row(d.OperationId, string(d.Type), ago(d.DeployedAt.Time), deref(d.ImageIdentifier), shortDigest(d.ImageDigest), mark(d.Current, "current"))
	}
	return table.Flush()
}

func mark(on bool, text string) string {
	if on {
		return text
	}
	return ""
}

// shortDigest is as much of a digest as people compare.
func shortDigest(digest string) string {
	algorithm, hex, _ := strings.Cut(digest, ":")
	return fmt.Sprintf("%s:%.12s", algorithm, hex)
}

// ago is how long it is since a moment, in one unit.
func ago(at time.Time) string {
	switch d := max(time.Since(at), 0); {
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd ago", int(d.Hours())/24)
	}
}
