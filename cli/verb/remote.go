package verb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

func remoteCommand(cfg *Config) *cobra.Command {
	var f flags
	var add bool
	cmd := &cobra.Command{
		Use:   "remote [NAME] [--add]",
		Short: "Print the URL to push a service's source to with git",
		Long: "Print the URL of the git repository that a service is deployed from, on the platform itself, and beside it how to push\n" +
			"there: `git push apron main` then deploys. With --add git is told so here. The repository need not exist yet, nor the\n" +
			"service; without a name they are called like the current directory. git gets the access key from apron itself when it\n" +
			"needs one, and keeps none.\n\n" +
			"The commits that `apron up` makes there of files are none of yours: where there are any, git rejects your branch until you\n" +
			"push it once with --force.",
		Example:           "  apron remote web-app --add\n  git push apron main",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeNames(cfg, &f),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := cfg.connect(cmd, &f)
		if err != nil {
			return err
		}
		repository, branch, err := s.repositoryOf(cmd.Context(), args)
		if err != nil {
			return err
		}
		server := strings.TrimSuffix(s.endpoint, "/")
		commands := [][]string{
			{"remote", "add", "apron", server + gitPath + repository},
			{"config", "--replace-all", "credential." + server + ".helper", helperCommand(cmd)},
		}
		if add {
			return s.addRemote(cmd.Context(), commands, branch)
		}
		s.showRemote(server+gitPath+repository, append(commands, []string{"push", "apron", branch}))
		return nil
	}
	f.connection(cmd, cfg)
	cmd.Flags().BoolVar(&add, "add", false, "add it as the remote `apron` to the git repository of the current directory")
	return cmd
}

// showRemote prints the URL alone, for scripts, and the rest beside it.
func (s *session) showRemote(remote string, commands [][]string) {
	s.say("%s", remote)
	s.tell("to push there with git, run `apron remote --add`, or:")
	for _, c := range commands {
		s.tell("  git %s", quotedWords(c))
	}
	s.tell(firstPush)
}

// firstPush is what git cannot say of itself: it rejects a push before it asks the server for more than the branch's head.
const firstPush = "where `apron up` has sent files before, git rejects the first push: give it --force, and your commits take their place"

// repositoryOf is the one of the service, and the branch that it is deployed from, or those that it would have.
func (s *session) repositoryOf(ctx context.Context, args []string) (repository, branch string, err error) {
	if len(args) == 0 {
		dir, err := os.Getwd()
		if err != nil {
			return "", "", err
		}
		args = []string{dir}
	}
	name, err := serviceName("", source{name: args[0]})
	if err != nil {
		return "", "", Usage(errors.New(strings.Replace(err.Error(), "give one with --name", "name the service, as in `apron remote web-app`", 1)))
	}
	t, err := s.find(ctx, name)
	if _, unknown := errors.AsType[unknownService](err); unknown {
		return name, mainBranch, nil
	}
	if err != nil {
		return "", "", err
	}
	svc, err := s.describe(ctx, t.arn)
	if err != nil {
		return "", "", err
	}
	return builtIn(svc)
}

// helperCommand is how git asks for the key: this program, with what said here which server is meant.
func helperCommand(cmd *cobra.Command) string {
	program := "apron"
	if self, err := os.Executable(); err == nil {
		if found, err := exec.LookPath(program); err != nil || !sameFile(found, self) {
			program = quoted(self)
		}
	}
	var words strings.Builder
	words.WriteString("!" + program + " git-credential")
	for _, name := range []string{"data", "endpoint-url", "profile", "region"} {
		if flag := cmd.Flags().Lookup(name); flag.Changed {
			words.WriteString(" --" + name + " " + quoted(flag.Value.String()))
		}
	}
	return words.String()
}

func sameFile(a, b string) bool {
	a, errA := filepath.EvalSymlinks(a)
	b, errB := filepath.EvalSymlinks(b)
	return errA == nil && errB == nil && a == b
}

// addRemote runs git: it alone should write its configuration, and who pushes has it.
func (s *session) addRemote(ctx context.Context, commands [][]string, branch string) error {
	for _, c := range commands {
		out, err := exec.CommandContext(ctx, "git", c...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("git %s: %w: %s", quotedWords(c), err, strings.TrimSpace(string(out)))
		}
	}
	s.say("`git push apron %s` pushes to %s", branch, commands[0][len(commands[0])-1])
	s.tell(firstPush)
	return nil
}

func quotedWords(words []string) string {
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(quoted(word))
	}
	return b.String()
}
