package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"apron/store"
)

func keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make, list and revoke access keys, and with them accounts",
		Long: "Access keys sign requests and log in to the registry and to git. An account exists by having a key; accounts see nothing of each\n" +
			"other. The commands work on the data directory, whether its server runs or not, and belong to whoever owns it.",
	}
	cmd.AddCommand(keyCreateCommand(), keyListCommand(), keyRevokeCommand())
	return cmd
}

// withKeys is a command on the data directory's keys.
func withKeys(cmd *cobra.Command, run func(ctx context.Context, dir *keyDir, args []string) error) *cobra.Command {
	cfg := defaults()
	cfg.bindData(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir, err := openKeyDir(cmd.Context(), &cfg)
		if err != nil {
			return err
		}
		return errors.Join(run(cmd.Context(), dir, args), dir.Close())
	}
	return cmd
}

func keyCreateCommand() *cobra.Command {
	var account, name string
	var readOnly bool
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make an access key and print it as apron env does",
		Long: "Make an access key and print the exports that let AWS clients use it, as in: eval \"$(apron key create --account new)\"\n" +
			"A running server knows it at once.",
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&account, "account", "", "whose key: an account of 12 digits, which need not exist yet, or new; without it the directory's own")
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "a key that may describe, list, pull images and clone only")
	cmd.Flags().StringVar(&name, "name", "", "what it is for, for apron key list")
	return withKeys(cmd, func(ctx context.Context, dir *keyDir, _ []string) error {
		key, err := dir.create(ctx, account, store.Key{Name: name, ReadOnly: readOnly})
		if err != nil {
			return err
		}
		server, err := runningServer(dir.data)
		if err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "No endpoint is printed: %v. Then `apron env --key %s` prints it with the key.\n", err, key.AccessKeyID)
			return printExports(cmd.OutOrStdout(), keyExports(key))
		}
		return printExports(cmd.OutOrStdout(), append(serverExports(server), keyExports(key)...))
	})
}

var accountID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{12}$`) })

const maxKeyName = 100

// create makes a key of the account, which is "" for the directory's own and "new" for one that nobody has yet.
func (d *keyDir) create(ctx context.Context, account string, row store.Key) (c credentials, err error) {
	switch {
	case account == "":
		account = d.owner
	case account == "new":
		account = ""
	case !accountID().MatchString(account):
		return c, fmt.Errorf("--account %.100q is neither an account's 12 digits nor the word new", account)
	}
	if len([]rune(row.Name)) > maxKeyName || strings.ContainsFunc(row.Name, unicode.IsControl) {
		return c, fmt.Errorf("--name must be one line of up to %d characters", maxKeyName)
	}
	err = d.store.Update(ctx, func(tx *store.Tx) error {
		for taken := true; taken; { // an account's number is drawn, and two must not get the same
			if c, err = newCredentials(account); err != nil {
				return err
			}
			if taken, err = tx.HasAccount(c.Account); err != nil {
				return err
			}
			taken = taken && account == ""
		}
		return d.put(tx, c, row)
	})
	return c, err
}

func keyListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the access keys of all accounts, oldest first, without their secrets",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return withKeys(cmd, func(ctx context.Context, dir *keyDir, _ []string) error {
		var rows []store.Key
		err := dir.store.View(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.Keys("")
			return err
		})
		if err != nil {
			return err
		}
		list := make([]listedKey, len(rows))
		for i, row := range rows {
			list[i] = listed(row)
		}
		if asJSON {
			e := json.NewEncoder(cmd.OutOrStdout())
			e.SetIndent("", "  ")
			return e.Encode(list)
		}
		return printKeys(cmd.OutOrStdout(), list)
	})
}

// listedKey is a key as it is shown.
type listedKey struct {
	ID      string    `json:"id"`
	Account string    `json:"account"`
	Access  string    `json:"access"` // full, read-only
	Created time.Time `json:"created"`
	State   string    `json:"state"` // active, revoked
	Revoked time.Time `json:"revoked,omitzero"`
	Name    string    `json:"name,omitempty"`
}

func listed(row store.Key) listedKey {
	k := listedKey{ID: row.ID, Account: row.Account, Access: "full", Created: row.Created.UTC(), State: "active", Name: row.Name}
	if row.ReadOnly {
		k.Access = "read-only"
	}
	if !row.Usable() {
		k.State, k.Revoked = "revoked", row.Revoked.UTC()
	}
	return k
}

func printKeys(w io.Writer, list []listedKey) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tACCOUNT\tACCESS\tCREATED\tSTATE\tNAME")
	for _, k := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Account, k.Access, k.Created.Format(time.RFC3339), k.State, k.Name)
	}
	return table.Flush()
}

func keyRevokeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "End the use of an access key for good; a running server refuses it within a second",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one access key, as in `apron key revoke AKIA...`; `apron key list` shows them")
			}
			return nil
		},
	}
	return withKeys(cmd, func(ctx context.Context, dir *keyDir, args []string) error {
		row, left, err := dir.revoke(ctx, args[0])
		if err != nil {
			return err
		}
		if left == 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "That was the last key of account %s: what it has goes on, and nobody can change it until `apron key create --account %s`.\n", row.Account, row.Account)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s of account %s is revoked. A running server refuses it within a second.\n", row.ID, row.Account)
		return err
	})
}

// revoke ends a key and counts those that its account has left.
func (d *keyDir) revoke(ctx context.Context, id string) (row store.Key, left int, err error) {
	err = d.store.Update(ctx, func(tx *store.Tx) error {
		if row, err = d.key(tx, id); err != nil {
			return err
		}
		if err := tx.RevokeKey(id, time.Now()); err != nil {
			return err
		}
		rows, err := tx.Keys(row.Account)
		for _, other := range rows {
			if other.Usable() {
				left++
			}
		}
		return err
	})
	return row, left, err
}
