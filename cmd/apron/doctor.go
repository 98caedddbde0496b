package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"apron/driver/container"
)

func doctorCommand() *cobra.Command {
	cfg := defaults()
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Show what this machine has and lacks for running instances",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cfg.checkData(); err != nil {
				return err
			}
			if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
				return fmt.Errorf("make data directory: %w; %s", err, dataRemedy(err))
			}
			lacking := false
			for _, r := range container.Requirements(cfg.Data) {
				fmt.Fprintf(cmd.OutOrStdout(), "%-8s %-20s %s\n", verdict(r), r.Name, r.Detail)
				if !r.OK {
					fmt.Fprintf(cmd.OutOrStdout(), "%-8s %-20s -> %s\n", "", "", r.Remedy)
				}
				lacking = lacking || r.Mandatory && !r.OK
			}
			if lacking {
				return errors.New("this machine can't run instances yet; what is marked missing says what to do")
			}
			return nil
		},
	}
	cfg.bindData(cmd.Flags())
	return cmd
}

func verdict(r container.Requirement) string {
	switch {
	case r.OK:
		return "ok"
	case r.Mandatory:
		return "missing"
	default:
		return "limited"
	}
}
