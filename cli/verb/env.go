package verb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"apron/api"
)

func envCommand(cfg *Config) *cobra.Command {
	var f flags
	var key string
	var secrets []string
	cmd := &cobra.Command{
		Use:   "env [NAME [KEY=VALUE ...] [KEY- ...]]",
		Short: "Print what a shell needs for AWS clients, or show and change a service's environment",
		Long: "Without a name, print the exports that point AWS clients at the platform, as in: eval \"$(apron env)\"\n" +
			"With a service's name, show its environment variables. KEY=VALUE sets one and KEY- removes one, all of them in one\n" +
			"deployment; if that fails, the environment is what it was before.",
		Example:           "  eval \"$(apron env)\"\n  apron env web-app\n  apron env web-app GREETING=Hello DEBUG-",
		ValidArgsFunction: completeNames(cfg, &f),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cfg.Exports(cmd, f.data, key)
		}
		edit, err := parseEdit(args[1:], secrets)
		if err != nil {
			return Usage(err)
		}
		s, t, err := cfg.reach(cmd, &f, args[0])
		if err != nil {
			return err
		}
		return s.env(cmd.Context(), &f, t, edit)
	}
	cmd.Flags().StringVar(&key, "key", "", "without a name: the access key to print; without it the directory's first one")
	cmd.Flags().StringArrayVar(&secrets, "secret", nil, "set `KEY=ARN`, a variable whose value is kept in a secret store; repeat it for more")
	f.connection(cmd, cfg)
	f.output(cmd)
	f.waiting(cmd)
	return cmd
}

func (s *session) env(ctx context.Context, f *flags, t target, e edit) error {
	svc, err := s.describe(ctx, t.arn)
	if err != nil {
		return err
	}
	if e.empty() {
		return s.showVariables(svc)
	}
	return s.changeVariables(ctx, f, t, svc, e)
}

// edit is a change of an environment.
type edit struct {
	set, secrets map[string]string
	remove       []string
}

func (e edit) empty() bool { return len(e.set)+len(e.secrets)+len(e.remove) == 0 }

func parseEdit(args, secrets []string) (e edit, err error) {
	e.set, e.secrets = map[string]string{}, map[string]string{}
	for _, arg := range args {
		name, value, sets := strings.Cut(arg, "=")
		removed, removes := strings.CutSuffix(arg, "-")
		switch {
		case sets && name != "":
			e.set[name] = value
		case removes && !sets && removed != "":
			e.remove = append(e.remove, removed)
		default:
			return e, fmt.Errorf("%q neither sets a variable, as KEY=VALUE does, nor removes one, as KEY- does", arg)
		}
	}
	e.secrets, err = pairs("--secret", secrets)
	return e, err
}

// pairs reads the values of a flag of the form KEY=VALUE.
func pairs(flag string, values []string) (map[string]string, error) {
	m := map[string]string{}
	for _, text := range values {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%s %q is not of the form KEY=VALUE", flag, text)
		}
		m[name] = value
	}
	return m, nil
}

// environment are the two maps of variables in a service's source, which is of one kind or the other. Both are nil where
// the source has its configuration in a file of its repository.
func environment(c *api.SourceConfiguration) (variables, secrets *map[string]string) {
	switch {
	case c == nil:
	case c.ImageRepository != nil:
		if c.ImageRepository.ImageConfiguration == nil {
			c.ImageRepository.ImageConfiguration = &api.ImageConfiguration{}
		}
		image := c.ImageRepository.ImageConfiguration
		return &image.RuntimeEnvironmentVariables, &image.RuntimeEnvironmentSecrets
	case c.CodeRepository != nil && c.CodeRepository.CodeConfiguration != nil && c.CodeRepository.CodeConfiguration.CodeConfigurationValues != nil:
		code := c.CodeRepository.CodeConfiguration.CodeConfigurationValues
		return &code.RuntimeEnvironmentVariables, &code.RuntimeEnvironmentSecrets
	}
	return nil, nil
}

func variableNames(svc *api.Service) []string {
	variables, secrets := environment(svc.SourceConfiguration)
	if variables == nil {
		return nil
	}
	return slices.Concat(slices.Sorted(maps.Keys(*variables)), slices.Sorted(maps.Keys(*secrets)))
}

func (s *session) showVariables(svc *api.Service) error {
	variables, secrets := environment(svc.SourceConfiguration)
	if variables == nil {
		variables, secrets = new(map[string]string), new(map[string]string)
	}
	if s.json {
		return s.print(struct{ RuntimeEnvironmentVariables, RuntimeEnvironmentSecrets map[string]string }{notNil(*variables), notNil(*secrets)})
	}
	for _, name := range slices.Sorted(maps.Keys(*variables)) {
		s.say("%s=%s", name, (*variables)[name])
	}
	for _, name := range slices.Sorted(maps.Keys(*secrets)) {
		s.say("%s from %s", name, (*secrets)[name])
	}
	return nil
}

func notNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func (s *session) changeVariables(ctx context.Context, f *flags, t target, svc *api.Service, e edit) error {
	source := svc.SourceConfiguration
	variables, secrets := environment(source)
	if variables == nil {
		return errors.New("the environment of " + t.name + " is in the apprunner.yaml of its repository; change it there")
	}
	if err := e.apply(variables, secrets); err != nil {
		return err
	}
	return s.update(ctx, f, t, "changing the environment of", &api.UpdateServiceRequest{ServiceArn: t.arn, SourceConfiguration: source})
}

// apply changes the maps. Removing what is not there is an error, because it is a typing mistake more often than not.
func (e edit) apply(variables, secrets *map[string]string) error {
	*variables, *secrets = notNil(*variables), notNil(*secrets)
	for _, name := range e.remove {
		_, plain := (*variables)[name]
		_, secret := (*secrets)[name]
		if !plain && !secret {
			return fmt.Errorf("there is no variable %s to remove", name)
		}
		delete(*variables, name)
		delete(*secrets, name)
	}
	maps.Copy(*variables, e.set)
	maps.Copy(*secrets, e.secrets)
	return nil
}

// update begins an UpdateService and follows it.
func (s *session) update(ctx context.Context, f *flags, t target, doing string, in *api.UpdateServiceRequest) error {
	out, err := invoke[api.UpdateServiceResponse](ctx, s, "UpdateService", in)
	if err != nil {
		return s.busy(ctx, t, err)
	}
	return s.follow(ctx, f, begun{target: t, doing: doing, service: out.Service, operation: out.OperationId})
}
