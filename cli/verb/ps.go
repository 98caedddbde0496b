package verb

import (
	"github.com/spf13/cobra"

	"apron/api"
)

func psCommand(cfg *Config) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use: "ps", Short: "List the services", Args: cobra.NoArgs,
		Long: "List the services of the account in the region, oldest first. INSTANCES is how many requests go to, of how many there are to\n" +
			"be where some still start, or idle: there is none until a request comes, because there was none for the service's idle timeout.",
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := cfg.connect(cmd, &f)
		if err != nil {
			return err
		}
		list, err := s.services(cmd.Context())
		if err != nil {
			return err
		}
		if s.json {
			return s.print(struct{ ServiceSummaryList []api.ServiceSummary }{list})
		}
		instances := s.instancesOf(cmd.Context(), list)
		table := s.table("NAME", "STATUS", "INSTANCES", "UPDATED", "URL")
		for i, svc := range list {
			table.row(deref(svc.ServiceName), string(deref(svc.Status)), instances[i], ago(deref(svc.UpdatedAt).Time), s.url(deref(svc.ServiceUrl)))
		}
		return table.Flush()
	}
	f.connection(cmd, cfg)
	f.output(cmd)
	return cmd
}
