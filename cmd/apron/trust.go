package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"apron/certs"
)

func trustCommand() *cobra.Command {
	cfg := defaults()
	var uninstall, printed bool
	cmd := &cobra.Command{
		Use:   "trust",
		Short: "Make this machine and its browsers believe the services' certificates",
		Long: "The certificates of the services' port are those of the platform's own authority, unless --tls-cert says otherwise. trust puts it into the\n" +
			"system's store and into the databases of the user's Chromium and Firefox. It certifies names below the platform's domain alone.\n\n" +
			"Other machines: `apron trust --print` prints the certificate, for their stores, and for programs that have one of their own:\n" +
			"curl --cacert, NODE_EXTRA_CA_CERTS, REQUESTS_CA_BUNDLE.",
		Args: cobra.NoArgs,
	}
	fs := cmd.Flags()
	cfg.bindData(fs)
	fs.StringVar(&cfg.Domain, "domain", fromEnv("APRON_DOMAIN", cfg.Domain), "domain of the services' names; without it that of the running server")
	fs.BoolVar(&uninstall, "uninstall", false, "take the authority out of all of them")
	fs.BoolVar(&printed, "print", false, "print the authority's certificate as PEM and do nothing else")
	cmd.MarkFlagsMutuallyExclusive("uninstall", "print")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ca, err := openAuthority(&cfg, fs.Changed("domain"))
		if err != nil {
			return err
		}
		if printed {
			_, err := cmd.OutOrStdout().Write(ca.PEM())
			return err
		}
		return trust(cmd.Context(), cmd.OutOrStdout(), ca, uninstall)
	}
	return cmd
}

// openAuthority opens the domain's authority, and makes it when no server has yet: it may be believed before the first start.
func openAuthority(cfg *Config, said bool) (*certs.CA, error) {
	if err := cfg.checkData(); err != nil {
		return nil, err
	}
	cfg.Domain = servedDomain(cfg, said)
	if err := cfg.checkDomain(); err != nil {
		return nil, err
	}
	return certs.Open(authorities(cfg.Data), certs.Config{Domain: cfg.Domain})
}

// trustLimit is for the programs that change the stores: update-ca-certificates reads all authorities of the world.
const trustLimit = 5 * time.Minute

func trust(ctx context.Context, w io.Writer, ca *certs.CA, uninstall bool) error {
	ctx, cancel := context.WithTimeout(ctx, trustLimit)
	defer cancel()
	act := certs.Trust
	if uninstall {
		act = certs.Distrust
	}
	fmt.Fprintf(w, "%s, until %s\n", ca.Root().Subject.CommonName, ca.Root().NotAfter.Format(time.DateOnly))
	failed := false
	for _, o := range act(ctx, ca.Root()) {
		if o.Err == nil {
			fmt.Fprintf(w, "  %s %s\n", o.Store, o.Did)
			continue
		}
		failed = true
		fmt.Fprintf(w, "  %s could not be changed: %v\n    by hand: %s\n", o.Store, o.Err, o.ByHand)
	}
	if failed {
		return errors.New("not all could be done; the lines above say what to do by hand")
	}
	return nil
}
