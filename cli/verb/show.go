package verb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"apron/api"
	"apron/cli/wait"
)

func showCommand(cfg *Config) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show a service: where it answers, what it runs, how it is sized", Args: named(0),
		ValidArgsFunction: completeNames(cfg, &f),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, t, err := cfg.reach(cmd, &f, args[0])
		if err != nil {
			return err
		}
		return s.show(cmd.Context(), t)
	}
	f.connection(cmd, cfg)
	f.output(cmd)
	return cmd
}

func (s *session) show(ctx context.Context, t target) error {
	svc, err := s.describe(ctx, t.arn)
	if err != nil {
		return err
	}
	op, err := wait.From(s.client).Operation(ctx, t.arn, "")
	if err != nil {
		return err
	}
	if s.json {
		return s.print(result{Service: svc, Operation: op})
	}
	deployed, err := s.deployedCommit(ctx, t, svc)
	if err != nil {
		return err
	}
	running := s.instances(ctx, t.arn, svc.Status)
	table := s.table("Name:", svc.ServiceName)
	for _, row := range [][2]string{
		{"Status:", string(svc.Status)},
		{"URL:", s.url(deref(svc.ServiceUrl))},
		{"Source:", sourceOf(svc.SourceConfiguration)},
		{"Commit:", deployed},
		{"Instance:", instanceOf(svc.InstanceConfiguration)},
		{"Scaling:", scalingOf(svc.AutoScalingConfigurationSummary)},
		{"Instances:", running},
		{"Variables:", strings.Join(variableNames(svc), " ")},
		{"Created:", svc.CreatedAt.Format(time.RFC3339)},
		{"Updated:", svc.UpdatedAt.Format(time.RFC3339)},
		{"Operation:", lastOperation(op)},
		{"ARN:", svc.ServiceArn},
	} {
		if row[1] != "" {
			table.row(row[:]...)
		}
	}
	return table.Flush()
}

// deployedCommit is the commit that a service from source has now.
func (s *session) deployedCommit(ctx context.Context, t target, svc *api.Service) (string, error) {
	if !fromSource(svc) || svc.Status == api.StatusDeleted {
		return "", nil
	}
	list, err := s.deployments(ctx, t)
	for _, d := range list {
		if d.Current {
			return commit(d.Commit, d.CommitSubject), nil
		}
	}
	return "", err
}

func instanceOf(c *api.InstanceConfiguration) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%s CPU units, %s MB", deref(c.Cpu), deref(c.Memory))
}

func scalingOf(c *api.AutoScalingConfigurationSummary) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%s, revision %d", deref(c.AutoScalingConfigurationName), deref(c.AutoScalingConfigurationRevision))
}

func sourceOf(c *api.SourceConfiguration) string {
	switch {
	case c == nil:
		return ""
	case c.ImageRepository != nil:
		return c.ImageRepository.ImageIdentifier
	case c.CodeRepository != nil:
		text := c.CodeRepository.RepositoryUrl
		if v := c.CodeRepository.SourceCodeVersion; v != nil {
			text += " " + v.Value
		}
		return text
	}
	return ""
}

func lastOperation(op *api.Operation) string {
	if op == nil {
		return ""
	}
	text := fmt.Sprintf("%s %s, %s", op.Type, op.Status, ago(op.StartedAt.Time))
	if why := deref(op.Reason); why != "" {
		text += ": " + why
	}
	return text
}
