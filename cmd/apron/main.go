// Command apron is App Runner for your own machines: `apron serve` is the platform, the other commands look after it.
// This package reads the configuration, builds every other package from it and ties them together; it is the only
// one that knows them all.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"apron/cli/man"
	"apron/cli/verb"
	"apron/driver/container"
)

// platformGroup is where the commands that look after the platform stand in the help.
const platformGroup = "platform"

func main() {
	container.Init() // an instance's first process is this program; it never returns from here in that case
	if completedLine(os.Args[1:]) {
		return
	}
	if args, ok := awsLine(os.Args); ok {
		os.Exit(runAWS(args))
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program: 0 after success, and what cli/verb says after a failure, which it has reported on stderr.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := commands()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(stderr, "apron:", err)
		return verb.ExitCode(err)
	}
	return 0
}

func commands() *cobra.Command {
	root := &cobra.Command{
		Use:   "apron",
		Short: "App Runner for your own machines",
		Long: "App Runner for your own machines.\n\n" +
			"`apron apprunner ...` takes what `aws apprunner ...` takes, and a link named aws does so too; see `apron apprunner help`.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		ValidArgsFunction: completeAWSNames,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return verb.Usage(fmt.Errorf("%w; `%s --help` shows the flags", err, cmd.CommandPath()))
	})
	root.AddGroup(&cobra.Group{ID: verb.Group, Title: "Services:"}, &cobra.Group{ID: platformGroup, Title: "The platform:"})
	platform := []*cobra.Command{serveCommand(), stopCommand(), upgradeCommand(), keyCommand(), connectionCommand(), verb.RuntimeCommand(verbConfig()), doctorCommand(), trustCommand(), man.Command(version), versionCommand()}
	for _, cmd := range append(platform, verb.StorageCommands(verbConfig())...) {
		cmd.GroupID = platformGroup
		root.AddCommand(cmd)
	}
	root.AddCommand(verb.Commands(verbConfig())...)
	root.AddCommand(awsCommands()...)
	root.SetHelpCommandGroupID(platformGroup)
	root.SetCompletionCommandGroupID(platformGroup)
	return root
}

// noSuchCommand is for words that are no command: it says which ones are meant, if any are much like them.
func noSuchCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "`apron --help` lists the commands"
	if like := root.SuggestionsFor(args[0]); len(like) > 0 {
		hint = "did you mean " + strings.Join(like, " or ") + "?"
	}
	return verb.Usage(fmt.Errorf("there is no command %q; %s", args[0], hint))
}
