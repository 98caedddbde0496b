package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"apron/driver"
	"apron/driver/container"
	"apron/image"
)

func stopCommand() *cobra.Command {
	cfg := defaults()
	var all bool
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Stop the server; with --all its instances too",
		Long: "Stop the server in order: requests and operations under way get a moment to end. Instances run on and are found\n" +
			"again by the next `apron serve`. With --all they are stopped as well and nothing of them is left; services that\n" +
			"were RUNNING get new instances when the server starts again.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cfg.checkData(); err != nil {
				return err
			}
			if all && os.Geteuid() != 0 {
				return errors.New("instances are root's; run `apron stop --all` as root")
			}
			if _, err := os.Stat(cfg.Data); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("there is no data directory %s; name the server's with --data", cfg.Data)
			}
			data, err := stopServer(cmd.Context(), cfg.Data)
			if err != nil {
				return err
			}
			if all {
				err = stopInstances(cmd.Context(), cfg)
			}
			return errors.Join(err, data.Close())
		},
	}
	cfg.bindData(cmd.Flags())
	cmd.Flags().DurationVar(&cfg.StopGrace, "stop-grace", cfg.StopGrace, "how long an instance may take to end after SIGTERM")
	cmd.Flags().BoolVar(&all, "all", false, "stop every instance too")
	return cmd
}

// stopLimit is how long a server may take to end after SIGTERM: both its listeners' shutdownLimit and some more.
const stopLimit = 3 * shutdownLimit

// stopServer ends the server on the data directory, if one runs, and returns the directory, held by us.
func stopServer(ctx context.Context, path string) (*dataDir, error) {
	data, err := openData(path)
	if _, inUse := errors.AsType[errInUse](err); !inUse {
		return data, err
	}
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	for told := 0; ; {
		told, err = tellToStop(path, told)
		if err != nil {
			return nil, err
		}
		data, err := openData(path)
		if _, inUse := errors.AsType[errInUse](err); !inUse {
			return data, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the server (process %d) has not ended %v after SIGTERM; look at its log, or kill it: its instances and operations survive that", told, stopLimit)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tellToStop sends SIGTERM to the server, unless that was the one that was told last: another process may be taking over from it.
func tellToStop(path string, told int) (int, error) {
	server, err := readAddress(path)
	if err != nil && told != 0 {
		return told, nil // it is about to end
	}
	if err != nil || server.PID == told {
		return told, err
	}
	if err := syscall.Kill(server.PID, syscall.SIGTERM); err != nil && told == 0 {
		return told, fmt.Errorf("stop the server (process %d): %w", server.PID, err)
	}
	return server.PID, nil
}

// stopInstances ends every instance that the data directory's driver holds, and the network that they shared.
func stopInstances(ctx context.Context, cfg Config) error {
	noImage := func(context.Context, string) (image.Image, error) {
		return image.Image{}, errors.New("no instance is started while the server stops")
	}
	d, err := container.New(container.Config{
		Dir: driverDir(cfg), Log: slog.New(slog.DiscardHandler), Image: noImage, Namespace: container.Namespace(driverDir(cfg)),
	})
	if err != nil {
		return err
	}
	found, err := d.Recover(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("find the instances: %w", err), d.Close())
	}
	var group errgroup.Group
	for _, instance := range found {
		group.Go(func() error { return end(ctx, d, instance.Spec.ID, cfg.StopGrace) })
	}
	return errors.Join(group.Wait(), d.RemoveNetwork(ctx), d.Close())
}

func end(ctx context.Context, d driver.Driver, id string, grace time.Duration) error {
	if err := errors.Join(d.Stop(ctx, id, grace), d.Destroy(ctx, id)); err != nil {
		return fmt.Errorf("stop instance %s: %w; run `apron stop --all` again", id, err)
	}
	return nil
}
