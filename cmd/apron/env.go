package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// region is what clients are told to use; a server answers for every region that a request is signed for.
const region = "us-east-1"

func envCommand() *cobra.Command {
	cfg := defaults()
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Print what a shell needs to use the platform with AWS clients",
		Long:  "Print the exports that point AWS clients at the platform. Use it as: eval \"$(apron env)\"",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cfg.checkData(); err != nil {
				return err
			}
			server, err := readAddress(cfg.Data)
			if err != nil {
				return err
			}
			if err := server.answers(); err != nil {
				return fmt.Errorf("%w; start it again with `apron serve --data %s`", err, cfg.Data)
			}
			keys, err := readCredentials(cfg.Data)
			if err != nil {
				return fmt.Errorf("read the access key: %w", err)
			}
			for _, export := range [][2]string{
				{"AWS_ENDPOINT_URL_APPRUNNER", server.APIURL},
				{"AWS_ACCESS_KEY_ID", keys.AccessKeyID},
				{"AWS_SECRET_ACCESS_KEY", keys.SecretAccessKey},
				{"AWS_REGION", region},
				{"AWS_DEFAULT_REGION", region},
				{"APRON_EDGE_URL", server.EdgeURL},
			} {
				fmt.Fprintf(cmd.OutOrStdout(), "export %s=%s\n", export[0], export[1])
			}
			// A session token left in the shell belongs to another account's key.
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "unset AWS_SESSION_TOKEN AWS_PROFILE")
			return err
		},
	}
	cfg.bindData(cmd.Flags())
	return cmd
}
