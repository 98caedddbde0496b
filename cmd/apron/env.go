package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// region is what clients are told to use; a server answers for every region that a request is signed for.
const region = "us-east-1"

// printEnv prints what a shell needs to use the platform with AWS clients: the endpoint, and the key with that id or the
// data directory's first one.
func printEnv(cmd *cobra.Command, data, id string) error {
	cfg := Config{Data: data}
	if err := cfg.checkData(); err != nil {
		return err
	}
	server, err := runningServer(cfg.Data)
	if err != nil {
		return err
	}
	key, err := readKey(cmd.Context(), &cfg, id)
	if err != nil {
		return err
	}
	return printExports(cmd.OutOrStdout(), append(serverExports(server), keyExports(key)...))
}

// runningServer is where the data directory's server answers.
func runningServer(data string) (address, error) {
	server, err := readAddress(data)
	if err != nil {
		return server, err
	}
	if err := server.answers(); err != nil {
		return server, fmt.Errorf("%w; start it again with `apron serve --data %s`", err, data)
	}
	return server, nil
}

func readKey(ctx context.Context, cfg *Config, id string) (credentials, error) {
	dir, err := openKeyDir(ctx, cfg)
	if err != nil {
		return credentials{}, err
	}
	key, err := dir.credentialsOf(ctx, id)
	return key, errors.Join(err, dir.Close())
}

func serverExports(a address) [][2]string {
	return [][2]string{{"AWS_ENDPOINT_URL_APPRUNNER", a.APIURL}, {"APRON_EDGE_URL", a.EdgeURL}}
}

func keyExports(c credentials) [][2]string {
	return [][2]string{
		{"AWS_ACCESS_KEY_ID", c.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", c.SecretAccessKey},
		{"AWS_REGION", region},
		{"AWS_DEFAULT_REGION", region},
	}
}

func printExports(w io.Writer, exports [][2]string) error {
	for _, export := range exports {
		fmt.Fprintf(w, "export %s=%s\n", export[0], export[1])
	}
	// A session token left in the shell belongs to another account's key.
	_, err := fmt.Fprintln(w, "unset AWS_SESSION_TOKEN AWS_PROFILE")
	return err
}
