// Package verb is the part of the command line that people type: up, ps, pause, logs and their kin, which name a service
// by its name, wait until what they began has ended, show how it goes and say why it failed. cmd/apron puts them into its
// root command. They are clients of the API like any other: what a verb can do, an AWS client can do too, and they must
// never reach into the server, its store or its files.
package verb

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Config is what the verbs need of the program that they are part of.
type Config struct {
	// Data is where a local server is looked for when no endpoint is configured.
	Data string
	// Local finds the server that runs on the data directory, and a key for it.
	Local func(ctx context.Context, data string) (Local, error)
	// Exports prints what a shell needs to use the platform: `apron env` without a service's name.
	Exports func(cmd *cobra.Command, data, key string) error
	// StoredLogs shows what a data directory has kept of a service's logs, for one that is deleted or whose server is stopped.
	StoredLogs func(ctx context.Context, w io.Writer, data, service string, what Logs) error
	// MakeBase makes a base image of Debian packages, for RuntimeCommand.
	MakeBase MakeBase
}

// Local is a server on this machine.
type Local struct {
	Endpoint                     string // of the API, as http://127.0.0.1:4080
	AccessKeyID, SecretAccessKey string
	Region                       string // when none is configured
}

// Group is the id and title under which the verbs stand in the root command's help.
const Group = "service"

// Commands are all verbs.
func Commands(cfg Config) []*cobra.Command {
	list := []*cobra.Command{
		upCommand(&cfg), psCommand(&cfg), showCommand(&cfg), openCommand(&cfg), logsCommand(&cfg), topCommand(&cfg),
		envCommand(&cfg), scaleCommand(&cfg), opsCommand(&cfg), waitCommand(&cfg),
	}
	list = append(list, rollbackCommand(&cfg), cancelCommand(&cfg), remoteCommand(&cfg), gitCredentialCommand(&cfg), hookCommand(&cfg))
	for _, c := range changes {
		list = append(list, changeCommand(&cfg, c))
	}
	slices.SortFunc(list, func(a, b *cobra.Command) int { return strings.Compare(a.Name(), b.Name()) })
	for _, cmd := range typed(list) {
		cmd.GroupID = Group
	}
	return list
}

// typed gives commands what all of them have that people type: exit codes, and a line of usage that is theirs.
func typed(list []*cobra.Command) []*cobra.Command {
	for _, cmd := range list {
		cmd.RunE = coded(cmd.RunE)
		cmd.Args = usageArgs(cmd.Args)
		cmd.DisableFlagsInUseLine = true
	}
	return list
}

// flags are those that the verbs share.
type flags struct {
	data, endpoint, region, profile string

	json    bool
	wait    bool
	timeout time.Duration
}

// connection adds the flags that say which server is meant, and as whom.
func (f *flags) connection(cmd *cobra.Command, cfg *Config) {
	fs := cmd.Flags()
	fs.StringVar(&f.data, "data", cfg.Data, "`directory` of the local server's data, which is asked when no endpoint is configured or this flag is given")
	fs.StringVar(&f.endpoint, "endpoint-url", "", "`URL` of the API; without it the environment and the AWS profile say it")
	fs.StringVar(&f.region, "region", "", "the region of the service")
	fs.StringVar(&f.profile, "profile", "", "the AWS profile with endpoint, key and region")
}

// output adds --json.
func (f *flags) output(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON document, with the names that the API has, and no progress")
}

const defaultTimeout = 30 * time.Minute

// waiting adds the flags of verbs that begin an operation, and says in their help how they end.
func (f *flags) waiting(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.wait, "wait", true, "wait until the operation has ended; with --wait=false its id is printed at once")
	f.limit(cmd)
}

func (f *flags) limit(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&f.timeout, "timeout", defaultTimeout, "how long to wait, 0 for as long as it takes; what was begun goes on nevertheless")
	cmd.Long = strings.TrimSpace(cmd.Long) + "\n\n" + exitCodes
}

const exitCodes = `Exit codes: 0 it is done; 1 it failed; 2 the command line is wrong; 3 it failed, and the version before goes
on serving; 4 it had not ended within --timeout; 130 interrupted by Ctrl-C. In the last two it goes on on the server.`
