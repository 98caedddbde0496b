package verb

import (
	"bufio"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

func gitCredentialCommand(cfg *Config) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:    "git-credential get|store|erase",
		Short:  "Tell git the access key for the platform's repositories",
		Long:   "Tell git the access key for the platform's repositories, as `apron remote` sets it up. It speaks git's protocol of\ncredential helpers, and keeps nothing.",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asked, err := readAttributes(cmd.InOrStdin())
		if err != nil || args[0] != "get" {
			return err
		}
		s, err := cfg.connect(cmd, &f)
		if err != nil {
			return err
		}
		server, err := url.Parse(s.endpoint)
		if err != nil || asked["protocol"] != server.Scheme || asked["host"] != server.Host {
			return err // another server's business
		}
		key, err := s.credentials(cmd.Context())
		if err != nil {
			return err
		}
		s.say("username=%s\npassword=%s", key.AccessKeyID, key.SecretAccessKey)
		return nil
	}
	f.connection(cmd, cfg)
	return cmd
}

// readAttributes reads what git says about the server: lines of name=value up to an empty one.
func readAttributes(r io.Reader) (map[string]string, error) {
	asked := map[string]string{}
	in := bufio.NewScanner(r)
	for in.Scan() && in.Text() != "" {
		name, value, _ := strings.Cut(in.Text(), "=")
		asked[name] = value
	}
	return asked, in.Err()
}
