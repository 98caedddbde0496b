package verb

import (
	"github.com/spf13/cobra"

	"apron/api"
)

func hookCommand(cfg *Config) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use: "hook NAME", Short: "Show the webhook that makes a service deploy what is pushed", Args: named(0),
		Long: "Show the URL and the secret of a service's webhook. Enter both where GitHub, GitLab, Bitbucket or Gitea ask for a webhook, with\n" +
			"pushes as its events and JSON as its content type; or send a request by hand. Without a webhook a push is found when the\n" +
			"repository is looked at next (`apron serve --poll-interval`). Whoever has the secret can make the service look for a new\n" +
			"commit, and no more.",
		Example: `  curl --request POST --oauth2-bearer SECRET URL`,

		ValidArgsFunction: completeNames(cfg, &f),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, t, err := cfg.reach(cmd, &f, args[0])
		if err != nil {
			return err
		}
		out, err := invoke[api.GetWebhookResponse](cmd.Context(), s, "GetWebhook", &api.GetWebhookRequest{ServiceArn: t.arn})
		if err != nil {
			return err
		}
		if s.json {
			return s.print(out)
		}
		s.showWebhook(*out.Webhook)
		return nil
	}
	f.connection(cmd, cfg)
	f.output(cmd)
	return cmd
}

func (s *session) showWebhook(h api.Webhook) {
	s.say("URL     %s", h.Url)
	s.say("Secret  %s", h.Secret)
	if h.SeenVersion != nil {
		s.say("Seen    %s", *h.SeenVersion)
	}
	if h.Failure != nil {
		s.say("Failure %s", *h.Failure)
	}
}
