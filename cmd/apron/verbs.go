package main

import (
	"context"
	"fmt"
	"io"

	"apron/build/runtimes"
	"apron/cli/verb"
)

// verbConfig tells the short verbs, and the other commands that ask a server, where this program keeps what they look for.
func verbConfig() verb.Config {
	return verb.Config{
		Data:       fromEnv("APRON_DATA", defaults().Data),
		Local:      localServer,
		Exports:    printEnv,
		StoredLogs: storedLogs,
		MakeBase:   makeBase,
	}
}

// makeBase makes a base of Debian packages on this machine.
func makeBase(ctx context.Context, base verb.Base, path string, log io.Writer) (string, error) {
	rt, ok := runtimes.Lookup(base.Runtime)
	if !ok {
		return "", fmt.Errorf("there is no runtime %q; `apron runtime ls` shows those that there are", base.Runtime)
	}
	d := runtimes.Debian{Runtime: rt, Suite: base.Suite, Mirror: base.Mirror, Packages: base.Packages, Log: log}
	version, err := d.Build(ctx, path)
	return runtimes.Repository(rt.Name) + ":" + version, err
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
