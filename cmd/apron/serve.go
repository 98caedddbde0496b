package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func serveCommand() (*cobra.Command, error) {
	cfg := defaults()
	var verbose bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the platform until it is told to stop; instances run on without it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), cfg, verbose, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().BoolVar(&verbose, "verbose", false, "log every request and step")
	return cmd, cfg.bind(cmd.Flags())
}

func serve(ctx context.Context, cfg Config, verbose bool, stdout, stderr io.Writer) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	p, err := openPlatform(ctx, cfg, log)
	if err != nil {
		return err
	}
	return errors.Join(p.Run(ctx, stdout), p.Close())
}

// Run serves until ctx is done and then ends in order: no new API request, requests in flight end, operations stop
// at their cursor. Instances are left running.
func (p *platform) Run(ctx context.Context, stdout io.Writer) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	group, work := errgroup.WithContext(work)
	for _, run := range []func(context.Context) error{p.driver.Run, p.logs.Run, p.fleet.Run} {
		group.Go(func() error { return run(work) })
	}
	if err := p.recover(ctx); err != nil {
		stopWork()
		return errors.Join(err, group.Wait())
	}
	for _, run := range []func(context.Context) error{p.worker.Run, p.control.Run} {
		group.Go(func() error { return run(work) })
	}
	api := &http.Server{Handler: p.handler(), ReadHeaderTimeout: headerTimeout, ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug)}
	edge := &http.Server{Handler: p.proxy, ReadHeaderTimeout: headerTimeout, ErrorLog: api.ErrorLog}
	group.Go(func() error { return serveOn(api, p.api) })
	group.Go(func() error { return serveOn(edge, p.edge) })
	p.announce(stdout)

	select {
	case <-ctx.Done():
	case <-work.Done(): // a part failed
	}
	err := errors.Join(shutdown(api), shutdown(edge))
	stopWork()
	return errors.Join(err, group.Wait(), os.Remove(p.data.join(addressFile)))
}

// recover takes up what the last run of the server left, before anybody can ask for it, and says where we are.
func (p *platform) recover(ctx context.Context) error {
	if err := p.worker.Recover(ctx); err != nil {
		return err
	}
	p.worker.CollectImages(ctx)
	return writeAddress(p.cfg.Data, p.address())
}

func (p *platform) address() address {
	return address{
		PID:     os.Getpid(),
		APIURL:  "http://" + reachable(p.api),
		EdgeURL: "http://" + reachable(p.edge),
	}
}

// reachable is an address at which a client on this machine reaches the listener.
func reachable(l net.Listener) string {
	addr := l.Addr().(*net.TCPAddr)
	if addr.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", portOf(l))
	}
	return addr.String()
}

// announce prints what a newcomer needs to know: where things are and how to begin.
func (p *platform) announce(w io.Writer) {
	a := p.address()
	fmt.Fprintf(w, "apron %s\n  data      %s (--data)\n  API       %s (--api), images under /v2/\n  services  http://NAME.REGION.%s:%s (--domain, --edge %s)\n\nIn another shell:\n  eval \"$(apron env --data %s)\"\n",
		version(), p.cfg.Data, a.APIURL, p.cfg.Domain, portOf(p.edge), p.edge.Addr(), p.cfg.Data)
}

func serveOn(s *http.Server, l net.Listener) error {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	}
	return nil
}

// shutdownLimit is how long requests may go on after SIGTERM; those that are left are cut.
const shutdownLimit = 10 * time.Second

func shutdown(s *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownLimit)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		return s.Close()
	}
	return nil
}
