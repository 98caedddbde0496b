package verb

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completionLimit is how long a shell may have to wait for names: whoever presses Tab is typing.
const completionLimit = time.Second

// completeNames offers the names of services for the first argument. Where no server answers, it offers nothing and
// says nothing.
func completeNames(cfg *Config, f *flags) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionLimit)
		defer cancel()
		cmd.SetContext(ctx)
		s, err := cfg.connect(cmd, f)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list, err := s.services(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, svc := range list {
			if name := deref(svc.ServiceName); strings.HasPrefix(name, prefix) {
				names = append(names, name+"\t"+string(deref(svc.Status)))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
