package main

import (
	"context"

	"github.com/spf13/cobra"

	"apron/cli/verb"
)

// verbCommands are the short verbs, told where this program keeps what they look for.
func verbCommands() []*cobra.Command {
	cfg := defaults()
	return verb.Commands(verb.Config{
		Data:       fromEnv("APRON_DATA", cfg.Data),
		Local:      localServer,
		Exports:    printEnv,
		StoredLogs: storedLogs,
	})
}

// localServer is the server that runs on the data directory, with the directory's first key.
func localServer(ctx context.Context, data string) (verb.Local, error) {
	cfg := Config{Data: data}
	if err := cfg.checkData(); err != nil {
		return verb.Local{}, err
	}
	server, err := runningServer(cfg.Data)
	if err != nil {
		return verb.Local{}, err
	}
	key, err := readCredentials(cfg.Data)
	if err != nil {
		return verb.Local{}, err
	}
	return verb.Local{Endpoint: server.APIURL, AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, Region: region}, nil
}
