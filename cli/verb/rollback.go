package verb

import (
	"cmp"
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
	list, err := s.deployments(ctx, t)
	if err != nil {
		return err
	}
	if s.json {
		return s.print(struct{ DeploymentSummaryList []api.DeploymentSummary }{list})
	}
	table := s.table("OPERATION", "BY", "DEPLOYED", "SOURCE", "DIGEST", "")
	for _, d := range list {
		table.row(d.OperationId, string(d.Type), ago(d.DeployedAt.Time), deployedFrom(d), shortDigest(d.ImageDigest), mark(d.Current, "current"))
	}
	return table.Flush()
}

// deployments are those that the service can go back to, newest first.
func (s *session) deployments(ctx context.Context, t target) ([]api.DeploymentSummary, error) {
	list := []api.DeploymentSummary{}
	for in := (&api.ListDeploymentsRequest{ServiceArn: t.arn}); ; {
		out, err := invoke[api.ListDeploymentsResponse](ctx, s, "ListDeployments", in)
		if err != nil {
			return nil, err
		}
		list = append(list, out.DeploymentSummaryList...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return list, nil
		}
	}
}

// deployedFrom is the image's name, or the commit that the image was built from.
func deployedFrom(d api.DeploymentSummary) string {
	return cmp.Or(deref(d.ImageIdentifier), commit(d.Commit, d.CommitSubject))
}

// commit is as much of a commit as people know it by; empty for none.
func commit(id, subject *string) string {
	if id == nil {
		return ""
	}
	text := []rune(fmt.Sprintf("%.7s %s", *id, deref(subject)))
	if len(text) > longestCommit {
		text = append(text[:longestCommit-1], '…')
	}
	return string(text)
}

// longestCommit leaves room for what stands beside it on a line of 132 characters.
const longestCommit = 50

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
