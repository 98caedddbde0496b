package verb

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"apron/api"
)

func scaleCommand(cfg *Config) *cobra.Command {
	var f flags
	var size sizes
	var idle string
	cmd := &cobra.Command{
		Use: "scale NAME [--min N] [--max N] [--concurrency N] [--idle-timeout DURATION|off]", Short: "Show or change how many instances a service has", Args: named(0),
		Long: "Show how many instances a service has at least and at most, and how many requests each of them gets at once; or change it.\n" +
			"What is not given stays. The numbers are kept in a revision of the auto scaling configuration that has the service's\n" +
			"name, to which the service is bound; that is a deployment. The idle timeout, after which a service that nobody asks for\n" +
			"anything has no instance until somebody does, is its tag " + idleTag + " and in force at once.",
		Example: "  apron scale web-app --min 1 --max 5 --concurrency 100\n" +
			"  apron scale web-app --idle-timeout 10m",
		ValidArgsFunction: completeNames(cfg, &f),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, t, err := cfg.reach(cmd, &f, args[0])
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("idle-timeout") {
			if err := s.setIdleTimeout(cmd.Context(), t, idle); err != nil {
				return err
			}
		}
		return s.scale(cmd.Context(), &f, t, size.given(cmd))
	}
	cmd.Flags().IntVar(&size.min, "min", 0, "the fewest instances")
	cmd.Flags().IntVar(&size.max, "max", 0, "the most instances")
	cmd.Flags().IntVar(&size.concurrency, "concurrency", 0, "how many requests an instance gets at once")
	cmd.Flags().StringVar(&idle, "idle-timeout", "", "how long without a request until it has no instance, as 10m; off is never")
	f.connection(cmd, cfg)
	f.output(cmd)
	f.waiting(cmd)
	return cmd
}

// idleTag is the tag that takes services to zero.
const idleTag = "apron:idle-timeout"

// setIdleTimeout leaves it to the server what may be given; no tag is the same as off.
func (s *session) setIdleTimeout(ctx context.Context, t target, value string) error {
	if value == "off" {
		_, err := invoke[api.UntagResourceResponse](ctx, s, "UntagResource", &api.UntagResourceRequest{ResourceArn: t.arn, TagKeys: []string{idleTag}})
		return err
	}
	key := idleTag
	_, err := invoke[api.TagResourceResponse](ctx, s, "TagResource", &api.TagResourceRequest{ResourceArn: t.arn, Tags: []api.Tag{{Key: &key, Value: &value}}})
	return err
}

// idleTimeout is what the service's tag says, "" without one.
func (s *session) idleTimeout(ctx context.Context, t target) (string, error) {
	out, err := invoke[api.ListTagsForResourceResponse](ctx, s, "ListTagsForResource", &api.ListTagsForResourceRequest{ResourceArn: t.arn})
	if err != nil {
		return "", err
	}
	for _, tag := range out.Tags {
		if deref(tag.Key) == idleTag && deref(tag.Value) != "off" {
			return deref(tag.Value), nil
		}
	}
	return "", nil
}

// sizes are the numbers of an auto scaling configuration.
type sizes struct{ min, max, concurrency int }

// given lays the flags that were given over what a configuration has, and tells whether that changes anything.
func (want sizes) given(cmd *cobra.Command) func(sizes) (sizes, bool) {
	return func(have sizes) (sizes, bool) {
		now := have
		for flag, value := range map[string]func(){
			"min":         func() { now.min = want.min },
			"max":         func() { now.max = want.max },
			"concurrency": func() { now.concurrency = want.concurrency },
		} {
			if cmd.Flags().Changed(flag) {
				value()
			}
		}
		return now, now != have
	}
}

func (s *session) scale(ctx context.Context, f *flags, t target, given func(sizes) (sizes, bool)) error {
	bound, err := s.scaling(ctx, t)
	if err != nil {
		return err
	}
	want, changed := given(sizes{deref(bound.MinSize), deref(bound.MaxSize), deref(bound.MaxConcurrency)})
	if !changed {
		return s.showScaling(ctx, t, bound)
	}
	made, err := s.newRevision(ctx, t, want)
	if err != nil {
		return err
	}
	arn := deref(made.AutoScalingConfigurationArn)
	err = s.update(ctx, f, t, "scaling", &api.UpdateServiceRequest{ServiceArn: t.arn, AutoScalingConfigurationArn: &arn})
	if _, is := errors.AsType[refused](err); is {
		// The revision is of no use then. That it could not be deleted is no news beside the refusal.
		_, _ = s.dropRevision(ctx, arn)
	}
	return err
}

// scaling is the configuration that the service is bound to.
func (s *session) scaling(ctx context.Context, t target) (*api.AutoScalingConfiguration, error) {
	svc, err := s.describe(ctx, t.arn)
	if err != nil {
		return nil, err
	}
	out, err := invoke[api.DescribeAutoScalingConfigurationResponse](ctx, s, "DescribeAutoScalingConfiguration",
		&api.DescribeAutoScalingConfigurationRequest{AutoScalingConfigurationArn: deref(svc.AutoScalingConfigurationSummary.AutoScalingConfigurationArn)})
	if err != nil {
		return nil, err
	}
	return out.AutoScalingConfiguration, nil
}

func (s *session) showScaling(ctx context.Context, t target, c *api.AutoScalingConfiguration) error {
	if s.json {
		return s.print(struct{ AutoScalingConfiguration *api.AutoScalingConfiguration }{c})
	}
	s.say("%s has %d to %d instances of up to %d requests at once (%s, revision %d)", t.name, deref(c.MinSize), deref(c.MaxSize),
		deref(c.MaxConcurrency), deref(c.AutoScalingConfigurationName), deref(c.AutoScalingConfigurationRevision))
	idle, err := s.idleTimeout(ctx, t)
	if err == nil && idle != "" {
		s.say("without a request for %s it has no instance until one comes (%s)", idle, idleTag)
	}
	return err
}

// longestScalingName is shorter than a service's name may be.
const longestScalingName = 32

// newRevision makes a revision under the service's name. A name has few revisions: when there is no room for one more, an
// old one that no service is bound to makes it.
func (s *session) newRevision(ctx context.Context, t target, want sizes) (*api.AutoScalingConfiguration, error) {
	name := t.name[:min(len(t.name), longestScalingName)]
	create := func() (*api.CreateAutoScalingConfigurationResponse, error) {
		return invoke[api.CreateAutoScalingConfigurationResponse](ctx, s, "CreateAutoScalingConfiguration", &api.CreateAutoScalingConfigurationRequest{
			AutoScalingConfigurationName: name, MinSize: &want.min, MaxSize: &want.max, MaxConcurrency: &want.concurrency,
		})
	}
	out, err := create()
	if isRefusal(err, "ServiceQuotaExceededException") {
		if freed, failed := s.dropOldest(ctx, name); failed != nil || !freed {
			return nil, err
		}
		out, err = create()
	}
	if err != nil {
		return nil, fmt.Errorf("scale %s: %w", t.name, err)
	}
	return out.AutoScalingConfiguration, nil
}

// dropOldest deletes the oldest revision of the name that no service is bound to, if there is one.
func (s *session) dropOldest(ctx context.Context, name string) (freed bool, err error) {
	out, err := invoke[api.ListAutoScalingConfigurationsResponse](ctx, s, "ListAutoScalingConfigurations",
		&api.ListAutoScalingConfigurationsRequest{AutoScalingConfigurationName: &name})
	if err != nil {
		return false, err
	}
	oldest := ""
	revision := 0
	for _, c := range out.AutoScalingConfigurationSummaryList {
		n := deref(c.AutoScalingConfigurationRevision)
		if !deref(c.HasAssociatedService) && !deref(c.IsDefault) && (oldest == "" || n < revision) {
			oldest, revision = deref(c.AutoScalingConfigurationArn), n
		}
	}
	if oldest == "" {
		return false, nil
	}
	return s.dropRevision(ctx, oldest)
}

func (s *session) dropRevision(ctx context.Context, arn string) (dropped bool, err error) {
	_, err = invoke[api.DeleteAutoScalingConfigurationResponse](ctx, s, "DeleteAutoScalingConfiguration",
		&api.DeleteAutoScalingConfigurationRequest{AutoScalingConfigurationArn: arn})
	return err == nil, err
}
