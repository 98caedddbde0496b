package verb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"apron/cli/archive"
)

// Base is a base that is to be made of Debian packages.
type Base struct {
	Runtime       string
	Suite, Mirror string   // "" is the runtime's own and Debian's own
	Packages      []string // beside the runtime's
}

// MakeBase makes a base on this machine and writes it to path as an image's archive. It returns the image's name. What the
// tools say goes to log.
type MakeBase func(ctx context.Context, base Base, path string, log io.Writer) (image string, err error)

// baseBuild is one use of the command.
type baseBuild struct {
	flags
	Base
	output  string // a file in place of the platform; "" is the platform
	verbose bool
}

func runtimeBuildCommand(cfg *Config) *cobra.Command {
	var b baseBuild
	cmd := &cobra.Command{
		Use: "build NAME...", Short: "Make bases of Debian packages, with mmdebstrap, and push them to the platform",
		Long: "Make bases of Debian packages, with mmdebstrap on this machine, and push them into the platform's own registry, as\n" +
			"apron/runtime/NAME:VERSION. Builds of the account begin with them from then on, the newest that fits a runtime-version\n" +
			"first; those of the server's first account serve all accounts. A base takes a minute or so.",
		Example: "  apron runtime build python311 nodejs18\n  apron runtime build python311 --mirror http://deb.example/debian --packages gcc,libpq-dev",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 || b.output != "" && len(args) > 1 {
				return errors.New("name runtimes, as in `apron runtime build python311`, with --output just one; `apron runtime ls` shows them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, names []string) error { return b.run(cmd, cfg, names) },
	}
	cmd.Flags().StringVar(&b.Suite, "suite", "", "the `release` of Debian; without it one that has the runtime's version")
	cmd.Flags().StringVar(&b.Mirror, "mirror", "", "the `URL` of a Debian archive; without it Debian's own and its security updates")
	cmd.Flags().StringSliceVar(&b.Packages, "packages", nil, "packages to install beside the runtime's, separated by commas, such as a compiler: gcc,libc6-dev")
	cmd.Flags().StringVar(&b.output, "output", "", "write the image to this `file`, which docker load and skopeo read, and push nothing")
	cmd.Flags().BoolVar(&b.verbose, "verbose", false, "show what mmdebstrap says")
	b.connection(cmd, cfg)
	return cmd
}

func (b *baseBuild) run(cmd *cobra.Command, cfg *Config, names []string) error {
	if b.output != "" {
		b.Runtime = names[0]
		image, err := cfg.MakeBase(cmd.Context(), b.Base, b.output, ifVerbose(cmd.ErrOrStderr(), b.verbose))
		if err == nil {
			fmt.Fprintf(cmd.OutOrStdout(), "%s holds %s\n", b.output, image)
		}
		return err
	}
	s, err := cfg.connect(cmd, &b.flags)
	if err != nil {
		return err
	}
	for _, b.Runtime = range names {
		if err := s.buildBase(cmd.Context(), cfg, b.Base, b.verbose); err != nil {
			return err
		}
	}
	return nil
}

func ifVerbose(w io.Writer, verbose bool) io.Writer {
	if verbose {
		return w
	}
	return io.Discard
}

// buildBase makes a base and pushes it. A base that is not wholly pushed is not there: its tag comes last.
func (s *session) buildBase(ctx context.Context, cfg *Config, base Base, verbose bool) (err error) {
	key, err := s.credentials(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "apron-base-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	line := s.line()
	defer line.Clear()
	line.Show("making a base for " + base.Runtime + " of Debian packages")
	path := filepath.Join(dir, "base.tar")
	image, err := cfg.MakeBase(ctx, base, path, ifVerbose(s.side, verbose))
	if err != nil {
		return err
	}
	content, err := archive.Open(path)
	if err != nil {
		return err
	}
	defer content.Close()
	_, host, _ := strings.Cut(s.endpoint, "://")
	ref := strings.TrimSuffix(host, "/") + "/" + image
	line.Show("pushing " + ref)
	err = content.Push(ctx, ref, strings.HasPrefix(s.endpoint, "http://"), key.AccessKeyID, key.SecretAccessKey, func(int64, int64) {})
	line.Clear()
	if err == nil {
		s.say("%s is built on %s now", base.Runtime, image)
	}
	return err
}
