package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
)

func serveCommand() *cobra.Command {
	cfg := defaults()
	var verbose bool
	var bad error // what is wrong with the APRON_ variables, which concerns no other command
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the platform until it is told to stop; instances run on without it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if bad != nil {
				return bad
			}
			return serve(cmd.Context(), cfg, verbose, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().BoolVar(&verbose, "verbose", false, "log every request and step")
	bad = cfg.bind(cmd.Flags())
	return cmd
}

func serve(ctx context.Context, cfg Config, verbose bool, stdout, stderr io.Writer) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelDebug
	}
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})).With("pid", os.Getpid())
	redirectStdLog(logger)
	return newHost(cfg, logger, stdout).run(ctx)
}

func (h *host) address() address {
	return address{
		PID:     os.Getpid(),
		APIURL:  "http://" + reachable(h.front.api.socket),
		EdgeURL: "http://" + reachable(h.front.edge),
		Domain:  h.cfg.Domain,
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
func (h *host) announce() {
	a, cfg := h.address(), h.cfg
	fmt.Fprintf(h.stdout, `apron %s
  data      %s (--data)
  API       %s (--api), images under /v2/, git under /git/
  services  http://NAME.REGION.%s:%s (--domain, --edge %s)%s
  limits    %v to become healthy (--start-allowance), %v for requests in flight (--drain-limit), %v from SIGTERM to SIGKILL (--stop-grace)

In another shell:
  eval "$(%s env --data %s)"
`, version(), cfg.Data, a.APIURL, cfg.Domain, portOf(h.front.edge), h.front.edge.Addr(), cfg.Door.announce(),
		cfg.StartAllowance, cfg.DrainLimit, cfg.StopGrace, os.Args[0], cfg.Data)
}

// redirectStdLog brings what the standard library writes of its own, such as http.Transport of an application's bad
// answer, into the server's log.
func redirectStdLog(l *slog.Logger) {
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(l.Handler(), slog.LevelDebug).Writer())
}

// shutdownLimit is how long requests may go on after SIGTERM; those that are left are cut.
const shutdownLimit = 10 * time.Second
