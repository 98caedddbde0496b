package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"apron/handover"
)

func upgradeCommand() *cobra.Command {
	cfg := defaults()
	r := handover.Request{Limit: 2 * time.Minute}
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Start the server's program anew without dropping a request",
		Long: "Start the server's program anew, with the arguments that it was started with, and leave the sockets, the data and the services to\n" +
			"the new process. No request fails by it: those under way end in the old process, which goes when its last connection has\n" +
			"ended. When the new process fails, the old one goes on, and this command says why and fails.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cfg.checkData(); err != nil {
				return err
			}
			if err := checkPositive("--limit", r.Limit); err != nil {
				return err
			}
			return upgrade(cmd.Context(), cmd.OutOrStdout(), cfg.Data, r)
		},
	}
	cfg.bindData(cmd.Flags())
	cmd.Flags().StringVar(&r.Binary, "binary", "", "`FILE` to start; default the one that the server was started from, as it is now")
	cmd.Flags().DurationVar(&r.Limit, "limit", r.Limit, "how long the new process may take until it is in charge")
	return cmd
}

// upgrade asks the server on the data directory and prints what it says.
func upgrade(ctx context.Context, w io.Writer, data string, r handover.Request) (err error) {
	if r.Binary != "" {
		if r.Binary, err = filepath.Abs(r.Binary); err != nil {
			return fmt.Errorf("--binary: %w", err)
		}
	}
	server, err := readAddress(data)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyLimit+releaseLimit+2*r.Limit, errors.New("the server took longer than all of its limits together"))
	defer cancel()
	err = handover.Ask(ctx, data, r, func(text string) { fmt.Fprintln(w, text) })
	if _, refused := errors.AsType[*handover.Refused](err); refused {
		return fmt.Errorf("no upgrade: %w", err)
	}
	if errors.Is(err, handover.ErrNoDoor) {
		return fmt.Errorf("the server (process %d) cannot be asked for an upgrade: %w; if it runs, stop it and start the new program: `apron stop`, then `apron serve`", server.PID, err)
	}
	if err != nil {
		return fmt.Errorf("%w; see its log, and whether one serves: `apron env --data %s`", err, data)
	}
	return nil
}
