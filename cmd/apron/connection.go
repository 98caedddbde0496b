package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"apron/api"
	"apron/control"
	"apron/keyring"
	"apron/store"
)

func connectionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "connection",
		Short: "Complete connections to GitHub and Bitbucket, and list those of all accounts",
		Long: "A connection that a client has created is PENDING_HANDSHAKE until the operator gives it what opens its repositories.\n" +
			"These commands work on the data directory, whether a server runs on it or not.",
	}
	cmd.AddCommand(authorizeCommand(), connectionListCommand())
	return cmd
}

// connectionOwner chooses among connections of the same name; empty means any.
type connectionOwner struct{ account, region string }

func authorizeCommand() *cobra.Command {
	cfg := defaults()
	var owner connectionOwner
	var source credentialSource
	cmd := &cobra.Command{
		Use:   "authorize NAME (--token-stdin | --token-file FILE | --ssh-key FILE)",
		Short: "Give a connection its access token or SSH key, which makes it AVAILABLE",
		Long: "Give a connection its access token or SSH key, which makes it AVAILABLE. On one that is AVAILABLE the credential is replaced.\n" +
			"It is stored encrypted with the data directory's key and never shown again, and sent to github.com or bitbucket.org alone, whichever\n" +
			"the connection is to, or to the hosts that --host names in their place.",
		Example: "  gh auth token | apron connection authorize git-hub --token-stdin\n" +
			"  apron connection authorize git-hub --ssh-key deploy_key",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one connection, as in `apron connection authorize git-hub --token-stdin`; a token is never an argument")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(cfg.checkData(), source.check()); err != nil {
				return err
			}
			source.stdin = cmd.InOrStdin()
			return authorize(cmd.Context(), cmd.OutOrStdout(), cfg.Data, args[0], owner, source)
		},
	}
	cfg.bindData(cmd.Flags())
	source.bind(cmd.Flags())
	cmd.Flags().StringVar(&owner.account, "account", "", "account of the connection, where several have one of the name")
	cmd.Flags().StringVar(&owner.region, "region", "", "region of the connection, where several have one of the name")
	return cmd
}

// authorize looks for the connection before it reads the credential, which somebody may have to type.
func authorize(ctx context.Context, w io.Writer, data, name string, owner connectionOwner, source credentialSource) error {
	st, err := joinStore(ctx, data)
	if err != nil {
		return err
	}
	defer st.Close()
	arn, err := findConnection(ctx, st, name, owner)
	if err != nil {
		return err
	}
	c, err := source.read()
	if err != nil {
		return err
	}
	ring, err := keyring.Open(filepath.Join(data, ringFile))
	if err != nil {
		return err
	}
	sealed, err := ring.Seal(c.secret)
	if err != nil {
		return err
	}
	err = st.Update(ctx, func(tx *store.Tx) error {
		return control.AuthorizeConnection(tx, arn, store.Credential{Kind: c.kind, Sealed: sealed, Given: api.At(time.Now()), Hosts: source.allowed(), Known: c.known})
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "Connection %s of account %s in %s is AVAILABLE with %s.\n", name, arn.Account, arn.Region, c.shown)
	return err
}

// findConnection finds the one connection that is meant.
func findConnection(ctx context.Context, st *store.Store, name string, owner connectionOwner) (api.ARN, error) {
	list, err := connections(ctx, st)
	if err != nil {
		return api.ARN{}, err
	}
	list = slices.DeleteFunc(list, func(c store.Resource[store.Connection]) bool {
		return c.ARN.Name != name || owner.account != "" && c.ARN.Account != owner.account || owner.region != "" && c.ARN.Region != owner.region
	})
	switch len(list) {
	case 0:
		return api.ARN{}, fmt.Errorf("there is no connection %s%s; `apron connection list` shows those that there are, "+
			"and `aws apprunner create-connection` makes one", name, owner)
	case 1:
		return list[0].ARN, nil
	}
	var places []string
	for _, c := range list {
		places = append(places, c.ARN.Account+" in "+c.ARN.Region)
	}
	return api.ARN{}, fmt.Errorf("%d connections are named %s: those of %s; say which with --account and --region",
		len(list), name, strings.Join(places, ", "))
}

func (o connectionOwner) String() (s string) {
	if o.account != "" {
		s += " of account " + o.account
	}
	if o.region != "" {
		s += " in " + o.region
	}
	return s
}

func connectionListCommand() *cobra.Command {
	cfg := defaults()
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the connections of all accounts and regions, and what kind of credential they have",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cfg.checkData(); err != nil {
				return err
			}
			st, err := joinStore(cmd.Context(), cfg.Data)
			if err != nil {
				return err
			}
			defer st.Close()
			list, err := connections(cmd.Context(), st)
			if err != nil {
				return err
			}
			return printConnections(cmd.OutOrStdout(), list)
		},
	}
	cfg.bindData(cmd.Flags())
	return cmd
}

func connections(ctx context.Context, st *store.Store) (list []store.Resource[store.Connection], err error) {
	err = st.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Connections()
		for _, row := range rows {
			list = append(list, row.Record)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	return list, nil
}

func printConnections(w io.Writer, list []store.Resource[store.Connection]) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tPROVIDER\tSTATUS\tCREDENTIAL\tACCOUNT\tREGION")
	for _, c := range list {
		credential := "none"
		if given := c.Record.Credential; given != nil {
			credential = fmt.Sprintf("%s of %s", given.Kind, given.Given.Format(time.DateOnly))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n",
			c.ARN.Name, *c.Record.ProviderType, *c.Record.Status, credential, c.ARN.Account, c.ARN.Region)
	}
	return table.Flush()
}
