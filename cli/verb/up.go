package verb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"apron/api"
)

const upLong = "Deploy a directory with source, or an image. The service is created, or updated if there is one of that name; an update\n" +
	"keeps what is not given. Without an argument the current directory is meant.\n\n" +
	"A directory's files are sent as they are, committed or not, but for what git ignores; they need not be in a git\n" +
	"repository. They are built and run as its apprunner.yaml says, or as --runtime, --build and --start do. The log of the\n" +
	"build is shown meanwhile. `apron remote` shows how to deploy by `git push`.\n\n" +
	"An image is named as in its registry, or is a file or directory: a docker archive or an OCI layout, packed or not, is\n" +
	"pushed to the platform's own registry first.\n\n" +
	"Without --name the service is called like the directory or the image: the last part of its name, with -app behind it\n" +
	"where that has less than four characters."

func upCommand(cfg *Config) *cobra.Command {
	var f flags
	var u up
	var variables []string
	cmd := &cobra.Command{
		Use:   "up [IMAGE | FILE | DIRECTORY] [--name NAME] [--port PORT] [--env KEY=VALUE ...]",
		Short: "Deploy a directory with source, or an image: create the service, or update the one that is there",
		Long:  upLong,
		Example: "  apron up\n  apron up . --runtime python311 --start 'python3 app.py' --port 8000\n" +
			"  apron up 127.0.0.1:4080/web:1 --name web-app --env GREETING=Hello\n  apron up ./image.tar --name web-app",
		Args: cobra.MaximumNArgs(1),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if u.env, err = pairs("--env", variables); err != nil {
			return Usage(err)
		}
		if u.source, err = sourceAt(append(args, ".")[0], u.recipe.given()); err != nil {
			return err
		}
		defer u.source.close()
		if u.source.tree == nil && u.recipe.given() {
			return Usage(errors.New("--runtime, --build and --start are for directories with source; an image is built already"))
		}
		if u.name, err = serviceName(u.name, u.source); err != nil {
			return Usage(err)
		}
		s, err := cfg.connect(cmd, &f)
		if err != nil {
			return err
		}
		return s.up(cmd.Context(), &f, u)
	}
	u.bind(cmd, &variables)
	f.connection(cmd, cfg)
	f.output(cmd)
	f.waiting(cmd)
	return cmd
}

// up is what is to be deployed, and how.
type up struct {
	source     source
	recipe     recipe // of source
	name, port string
	env        map[string]string
}

func (u *up) bind(cmd *cobra.Command, variables *[]string) {
	cmd.Flags().StringVar(&u.name, "name", "", "the service's name")
	cmd.Flags().StringVar(&u.port, "port", "", "the port that the program listens on; without it the image's only one, or 8080")
	cmd.Flags().StringVar(&u.recipe.runtime, "runtime", "", "the managed `runtime` that source is built and run with, such as python311")
	cmd.Flags().StringVar(&u.recipe.build, "build", "", "the `command` that builds source")
	cmd.Flags().StringVar(&u.recipe.start, "start", "", "the `command` that starts what was built from source")
	cmd.Flags().StringArrayVar(variables, "env", nil, "set `KEY=VALUE` in the program's environment; repeat it for more")
}

func (s *session) up(ctx context.Context, f *flags, u up) error {
	t, err := s.find(ctx, u.name)
	_, absent := errors.AsType[unknownService](err)
	if err != nil && !absent {
		return err
	}
	if u.source.tree != nil {
		return s.upTree(ctx, f, t, u, absent)
	}
	image := u.source.name
	if u.source.archive != nil {
		if image, err = s.push(ctx, u); err != nil {
			return err
		}
	}
	if absent {
		return s.create(ctx, f, u, image)
	}
	return s.redeploy(ctx, f, t, u, image)
}

func (s *session) create(ctx context.Context, f *flags, u up, image string) error {
	configuration := &api.ImageConfiguration{}
	if port := cmp.Or(u.port, u.source.port()); port != "" {
		configuration.Port = &port
	}
	if len(u.env) > 0 {
		configuration.RuntimeEnvironmentVariables = u.env
	}
	out, err := invoke[api.CreateServiceResponse](ctx, s, "CreateService", &api.CreateServiceRequest{
		ServiceName: u.name,
		SourceConfiguration: &api.SourceConfiguration{ImageRepository: &api.ImageRepository{
			ImageIdentifier: image, ImageRepositoryType: repositoryType(image), ImageConfiguration: configuration,
		}},
	})
	if err != nil {
		return err
	}
	t := target{arn: out.Service.ServiceArn, name: u.name}
	return s.follow(ctx, f, begun{target: t, doing: "creating", service: out.Service, operation: out.OperationId})
}

// redeploy sends the whole source that the service has, with what is new in it.
func (s *session) redeploy(ctx context.Context, f *flags, t target, u up, image string) error {
	svc, err := s.describe(ctx, t.arn)
	if err != nil {
		return err
	}
	source := svc.SourceConfiguration
	if source == nil || source.ImageRepository == nil {
		return fmt.Errorf("%s is built from source and can't be changed to an image; give the image another --name", t.name)
	}
	variables, _ := environment(source)
	*variables = notNil(*variables)
	maps.Copy(*variables, u.env)
	repository := source.ImageRepository
	repository.ImageIdentifier, repository.ImageRepositoryType = image, repositoryType(image)
	if u.port != "" {
		repository.ImageConfiguration.Port = &u.port
	}
	return s.update(ctx, f, t, "updating", &api.UpdateServiceRequest{ServiceArn: t.arn, SourceConfiguration: source})
}

func repositoryType(image string) api.ImageRepositoryType {
	if strings.HasPrefix(image, "public.ecr.aws/") {
		return api.ImageRepositoryECRPublic
	}
	return api.ImageRepositoryECR
}

// push puts the archive's image into the platform's registry, under the service's name.
func (s *session) push(ctx context.Context, u up) (image string, err error) {
	key, err := s.credentials(ctx)
	if err != nil {
		return "", err
	}
	host := s.endpoint[strings.Index(s.endpoint, "://")+len("://"):]
	image = strings.TrimSuffix(host, "/") + "/" + strings.ToLower(u.name) + ":latest"
	line := s.line()
	text := "pushing " + filepath.Base(u.source.name)
	line.Show(text)
	err = u.source.archive.Push(ctx, image, strings.HasPrefix(s.endpoint, "http://"), key.AccessKeyID, key.SecretAccessKey, func(done, all int64) {
		if line.Redraws() && all > 0 {
			line.Show(fmt.Sprintf("%s: %d%%", text, 100*done/all))
		}
	})
	line.Clear()
	return image, err
}

const shortestName, longestName = 4, 40

// isName reports whether a service may be called so.
func isName(name string) bool {
	const first = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return len(name) >= shortestName && len(name) <= longestName && strings.Trim(name, first+"_-") == "" && strings.ContainsAny(name[:1], first)
}

// serviceName is the name that is given, or else the image's.
func serviceName(given string, from source) (string, error) {
	name := given
	if name == "" {
		name = from.nameOf()
		if len(name) < shortestName {
			name += "-app"
		}
	}
	if !isName(name) {
		return "", fmt.Errorf("%q can't be a service's name, which has 4 to 40 letters, digits, - and _; give one with --name", name)
	}
	return name, nil
}

// lastPart is what an image's name ends with, without tag and digest.
func lastPart(image string) string {
	image, _, _ = strings.Cut(image, "@")
	name, _, _ := strings.Cut(path.Base(image), ":")
	return name
}
