package verb

import (
	"fmt"

	"github.com/spf13/cobra"

	"apron/api"
)

// StorageCommands are the commands that look after the server's disk. They are no verbs of a service, but like them clients of
// the API.
func StorageCommands(cfg Config) []*cobra.Command {
	return typed([]*cobra.Command{dfCommand(&cfg), gcCommand(&cfg)})
}

func dfCommand(cfg *Config) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use: "df", Short: "Show what takes the space on the server's disk", Args: cobra.NoArgs,
		Long: "Show how full the server's disk is, what takes the space, and of each service how much. What is RECLAIMABLE can be removed\n" +
			"and made again; `apron gc` removes what of it is old, and the server all of it, bit by bit, while the disk is above its mark.\n" +
			"Layers of images that services share count for each of them, and once in the upper table. Images that were pushed into\n" +
			"the registry are their owners': a client of registries deletes them, as in `skopeo delete docker://...`.",
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return ask(cfg, cmd, &f, "DescribeStorage", &api.DescribeStorageRequest{}, func(s *session, out *api.DescribeStorageResponse) error {
			return s.storageTables(out.Storage)
		})
	}
	f.connection(cmd, cfg)
	f.output(cmd)
	return cmd
}

func (s *session) storageTables(st *api.Storage) error {
	s.say("%s of %s used (%d%%), %s left; above %d%% what can be made again is removed, down to %d%%\n",
		size(st.UsedBytes), size(st.TotalBytes), st.UsedPercent, size(st.AvailableBytes), st.HighPercent, st.LowPercent)
	table := s.table("KIND", "COUNT", "SIZE", "RECLAIMABLE")
	for _, k := range st.StorageSummaryList {
		table.row(words(k.StorageKind), fmt.Sprint(k.Count), size(k.Bytes), size(k.ReclaimableBytes))
	}
	if err := table.Flush(); err != nil || len(st.ServiceStorageList) == 0 {
		return err
	}
	s.say("")
	table = s.table("SERVICE", "IMAGES", "SOURCE", "CACHES", "LOGS")
	for _, svc := range st.ServiceStorageList {
		table.row(svc.ServiceName, size(svc.ImageBytes), size(svc.SourceBytes), size(svc.CacheBytes), size(svc.LogBytes))
	}
	return table.Flush()
}

// size is a number of bytes as df -h has it.
func size(n int) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%dB", n)
	}
	value := float64(n)
	for _, letter := range "KMGTP" {
		if value /= unit; value < unit {
			return fmt.Sprintf("%.1f%c", value, letter)
		}
	}
	return fmt.Sprintf("%.1fE", value/unit)
}

func gcCommand(cfg *Config) *cobra.Command {
	var f flags
	var dry bool
	cmd := &cobra.Command{
		Use: "gc", Short: "Remove what is old, or too much, from the server's disk, and can be made again", Args: cobra.NoArgs,
		Long: "Remove at once what the server removes anyway within the hour: checkouts that were not used for a day, build caches for two\n" +
			"weeks, mirrors of repositories and bases of runtimes for a month, images that no service needs, and all that deleted services\n" +
			"have left. Above the mark of `apron serve --disk-high` younger ones go too. What a service or one of its ten last deployments\n" +
			"needs stays, and so do pushed images.",
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return ask(cfg, cmd, &f, "CollectGarbage", &api.CollectGarbageRequest{DryRun: &dry}, func(s *session, out *api.CollectGarbageResponse) error {
			return s.garbage(out.Garbage, dry)
		})
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "remove nothing, and tell what would be removed")
	f.connection(cmd, cfg)
	f.output(cmd)
	return cmd
}

func (s *session) garbage(g *api.Garbage, dry bool) error {
	table := s.table("KIND", "COUNT", "FREED")
	for _, k := range g.GarbageSummaryList {
		table.row(words(k.StorageKind), fmt.Sprint(k.Count), size(k.FreedBytes))
	}
	if len(g.GarbageSummaryList) > 0 {
		if err := table.Flush(); err != nil {
			return err
		}
	}
	done := "freed"
	if dry {
		done = "would be freed"
	}
	s.say("%s %s; the disk is %d%% full", size(g.FreedBytes), done, g.UsedPercent)
	if g.OverBytes > 0 {
		s.say("It is %s above its mark of %d%%, and nothing is left that can be made again: delete services or pushed images, or enlarge it. "+
			"`apron df` shows what takes the space.", size(g.OverBytes), g.HighPercent)
	}
	return nil
}
