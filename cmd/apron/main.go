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
	"syscall"

	"github.com/spf13/cobra"

	"apron/driver/container"
)

func main() {
	container.Init() // an instance's first process is this program; it never returns from here in that case
	if args, ok := awsLine(os.Args); ok {
		os.Exit(runAWS(args))
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program: 0 after success, 1 after a failure that it has reported on stderr.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := commands()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(stderr, "apron:", err)
		return 1
	}
	return 0
}

func commands() *cobra.Command {
	root := &cobra.Command{
		Use:           "apron",
		Short:         "App Runner for your own machines",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; `%s --help` shows the flags", err, cmd.CommandPath())
	})
	root.AddCommand(serveCommand(), stopCommand(), envCommand(), keyCommand(), connectionCommand(), doctorCommand(), logsCommand(), versionCommand())
	return root
}
