package verb

import (
	"github.com/spf13/cobra"

	"apron/api"
)

func psCommand(cfg *Config) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use: "ps", Short: "List the services", Args: cobra.NoArgs,
		Long: "List the services of the account in the region, oldest first.",
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
		table := s.table("NAME", "STATUS", "UPDATED", "URL")
		for _, svc := range list {
			table.row(deref(svc.ServiceName), string(deref(svc.Status)), ago(deref(svc.UpdatedAt).Time), s.url(deref(svc.ServiceUrl)))
		}
		return table.Flush()
	}
	f.connection(cmd, cfg)
	f.output(cmd)
	return cmd
}
