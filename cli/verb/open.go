package verb

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"
)

func openCommand(cfg *Config) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use: "open NAME", Short: "Open a service's URL in the browser, or print it where there is none", Args: named(0),
		ValidArgsFunction: completeNames(cfg, &f),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, t, err := cfg.reach(cmd, &f, args[0])
		if err != nil {
			return err
		}
		svc, err := s.describe(cmd.Context(), t.arn)
		if err != nil {
			return err
		}
		url := s.url(deref(svc.ServiceUrl))
		s.say("%s", url)
		return browse(cmd.Context(), url)
	}
	f.connection(cmd, cfg)
	return cmd
}

// browse opens the URL on the desktop, if there is one: over SSH and in scripts the URL has been printed.
func browse(ctx context.Context, url string) error {
	program := "xdg-open"
	switch {
	case runtime.GOOS == "darwin":
		program = "open"
	case os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "":
		return nil
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return nil
	}
	if err := exec.CommandContext(ctx, path, url).Run(); err != nil {
		return fmt.Errorf("open %s in the browser: %w; open it yourself", url, err)
	}
	return nil
}
