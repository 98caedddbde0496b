package verb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"apron/api"
)

// RuntimeCommand is the command of managed runtimes: which there are, and what they are built on. It looks after the
// platform and is no verb of a service, but like them a client of the API.
func RuntimeCommand(cfg Config) *cobra.Command {
	parent := &cobra.Command{
		Use:   "runtime",
		Short: "List, pull and make the bases that services are built on from source",
		Long: "Services that are built from source name a managed runtime, such as python311. These commands show which there are and\n" +
			"what each is built on, bring the images onto the machine ahead, and make bases of Debian packages for machines that\n" +
			"reach no registry. `apron serve --runtime-image NAME=IMAGE` chooses another base.",
	}
	parent.AddCommand(typed([]*cobra.Command{runtimeListCommand(&cfg), runtimePullCommand(&cfg), runtimeBuildCommand(&cfg)})...)
	return parent
}

func runtimeListCommand(cfg *Config) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use: "ls", Short: "List the managed runtimes and what they are built on", Args: cobra.NoArgs,
		Long: "List the managed runtimes and what they are built on. FROM says where the base comes from: configured by --runtime-image,\n" +
			"built by `apron runtime build`, default, or host, the programs of the server's machine. HOST is the version that these have\n" +
			"where they can stand in for an image that is not to be had. App Runner lacks the runtimes that have a * at their names.",
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return ask(cfg, cmd, &f, "ListRuntimes", &api.ListRuntimesRequest{}, func(s *session, out *api.ListRuntimesResponse) error {
			return s.runtimeTable(out.RuntimeSummaryList)
		})
	}
	f.connection(cmd, cfg)
	f.output(cmd)
	return cmd
}

func (s *session) runtimes(ctx context.Context) ([]api.RuntimeSummary, error) {
	out, err := invoke[api.ListRuntimesResponse](ctx, s, "ListRuntimes", &api.ListRuntimesRequest{})
	if err != nil {
		return nil, err
	}
	return out.RuntimeSummaryList, nil
}

func (s *session) runtimeTable(list []api.RuntimeSummary) error {
	table := s.table("NAME", "PROCESS", "FROM", "BASE", "VERSION", "HOST", "DEPRECATED")
	for _, r := range list {
		name := r.RuntimeName
		if r.Runtime == nil {
			name += "*"
		}
		version := cmp.Or(deref(r.Version), words(r.BaseStatus))
		table.row(name, words(r.BuildProcess), words(r.BaseSource), r.Base, version, cmp.Or(deref(r.HostVersion), "-"), cmp.Or(deref(r.Deprecated), "-"))
	}
	return table.Flush()
}

// words makes of an enumeration's value what people read: not pulled.
func words[E ~string](value E) string {
	return strings.ToLower(strings.ReplaceAll(string(value), "_", " "))
}

func runtimePullCommand(cfg *Config) *cobra.Command {
	var f flags
	var all bool
	cmd := &cobra.Command{
		Use: "pull NAME... | --all", Short: "Bring base images onto the machine ahead of the first build",
		Args: func(_ *cobra.Command, args []string) error {
			if all != (len(args) == 0) {
				return errors.New("name runtimes, as in `apron runtime pull python311`, or give --all alone; `apron runtime ls` shows them")
			}
			return nil
		},
	}
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		s, err := cfg.connect(cmd, &f)
		if err != nil {
			return err
		}
		if all {
			if names, err = s.pullable(cmd.Context()); err != nil {
				return err
			}
		}
		return s.pullRuntimes(cmd.Context(), &f, names)
	}
	cmd.Flags().BoolVar(&all, "all", false, "all runtimes whose base comes from a registry; that is many gigabytes")
	cmd.Flags().DurationVar(&f.timeout, "timeout", defaultTimeout, "how long to wait, 0 for as long as it takes; the server goes on nevertheless")
	f.connection(cmd, cfg)
	f.output(cmd)
	return cmd
}

// pullable names the runtimes whose base comes from a registry.
func (s *session) pullable(ctx context.Context) (names []string, err error) {
	list, err := s.runtimes(ctx)
	for _, r := range list {
		if r.BaseSource == api.BaseSourceConfigured || r.BaseSource == api.BaseSourceDefault {
			names = append(names, r.RuntimeName)
		}
	}
	return names, err
}

const pullInterval = 500 * time.Millisecond

func (s *session) pullRuntimes(ctx context.Context, f *flags, names []string) error {
	for i, name := range names {
		out, err := invoke[api.PullRuntimeResponse](ctx, s, "PullRuntime", &api.PullRuntimeRequest{RuntimeName: name})
		if err != nil {
			return err
		}
		names[i] = out.Runtime.RuntimeName
	}
	list, err := s.awaitPulls(ctx, f, names)
	if err != nil {
		return err
	}
	return s.pulled(list)
}

// awaitPulls waits until none of the runtimes is being pulled, and returns how they stand.
func (s *session) awaitPulls(ctx context.Context, f *flags, names []string) ([]api.RuntimeSummary, error) {
	limit, cancel := ctx, func() {}
	if f.timeout > 0 {
		limit, cancel = context.WithTimeout(ctx, f.timeout)
	}
	defer cancel()
	line := s.line()
	defer line.Clear()
	for {
		list, err := s.runtimes(ctx)
		if err != nil {
			return nil, err
		}
		list = slices.DeleteFunc(list, func(r api.RuntimeSummary) bool { return !slices.Contains(names, r.RuntimeName) })
		busy := slices.IndexFunc(list, func(r api.RuntimeSummary) bool { return r.BaseStatus == api.BasePulling })
		if busy < 0 {
			return list, nil
		}
		line.Show("pulling " + list[busy].Base)
		select {
		case <-limit.Done():
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, exit{fmt.Errorf("%s is not there yet and goes on being pulled; `apron runtime ls` shows how it stands", list[busy].Base), codeTimedOut}
		case <-time.After(pullInterval):
		}
	}
}

// pulled tells what came of pulls. One that failed is the command's failure.
func (s *session) pulled(list []api.RuntimeSummary) error {
	if s.json {
		if err := s.print(struct{ RuntimeSummaryList []api.RuntimeSummary }{list}); err != nil {
			return err
		}
	}
	var failures []error
	for _, r := range list {
		switch {
		case r.StatusReason != nil:
			failures = append(failures, fmt.Errorf("%s: %s", r.RuntimeName, *r.StatusReason))
		case !s.json:
			s.say("%s has version %s in %s", r.RuntimeName, cmp.Or(deref(r.Version), "unknown"), r.Base)
		}
	}
	return errors.Join(failures...)
}
