package verb

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"apron/api"
	"apron/awsjson"
)

// session is a verb that knows its server.
type session struct {
	client   *awsjson.Client
	endpoint string
	region   string
	key      [2]string // id and secret, with which the registry is logged in to as well

	out  io.Writer // what was asked for
	side io.Writer // what is said beside it: progress, hints, the reasons of failures
	json bool
}

// defaultRegion is the region that a local server is asked in when none is configured.
const defaultRegion = "us-east-1"

// connect finds the server: the one that --data names, the one that flags and environment point to, or the one
// that runs on this machine. It asks nothing of it yet.
func (cfg *Config) connect(cmd *cobra.Command, f *flags) (*session, error) {
	s := &session{out: cmd.OutOrStdout(), side: cmd.ErrOrStderr(), json: f.json}
	set := configured(f)
	if set.endpoint == "" || cmd.Flags().Changed("data") {
		var err error
		if set, err = cfg.local(cmd.Context(), f, set); err != nil {
			return nil, err
		}
	}
	s.endpoint, s.region, s.key = set.endpoint, set.region, [2]string{set.accessKeyID, set.secretAccessKey}
	s.client = set.client()
	return s, nil
}

// reach finds the server, and on it the service of that name or ARN.
func (cfg *Config) reach(cmd *cobra.Command, f *flags, name string) (*session, target, error) {
	s, err := cfg.connect(cmd, f)
	if err != nil {
		return nil, target{}, err
	}
	t, err := s.find(cmd.Context(), name)
	return s, t, err
}

// local is the server of the data directory, with the key that is kept there.
func (cfg *Config) local(ctx context.Context, f *flags, set settings) (settings, error) {
	found, err := cfg.Local(ctx, f.data)
	if err != nil && set.endpoint == "" {
		err = fmt.Errorf("no endpoint is configured, and there is no server on this machine: %w", err)
	}
	return settings{
		endpoint: found.Endpoint, region: cmp.Or(set.region, found.Region, defaultRegion),
		accessKeyID: found.AccessKeyID, secretAccessKey: found.SecretAccessKey,
	}, err
}

// settings are how to reach a server, and as whom.
type settings struct {
	endpoint, region                           string
	accessKeyID, secretAccessKey, sessionToken string
}

// client asks a server on this machine once: it answers or it is not there. Waits have a patience of their own.
func (s settings) client() *awsjson.Client {
	attempts := 0
	if onThisMachine(s.endpoint) {
		attempts = 1
	}
	return &awsjson.Client{
		Endpoint: s.endpoint, Region: s.region, Retry: awsjson.Retry{MaxAttempts: attempts},
		Credentials: func(context.Context) (awsjson.Credentials, error) {
			return awsjson.Credentials{AccessKeyID: s.accessKeyID, SecretAccessKey: s.secretAccessKey, SessionToken: s.sessionToken}, nil
		},
	}
}

// configured is what flags and environment say, as far as they do.
func configured(f *flags) settings {
	return settings{
		endpoint:        cmp.Or(f.endpoint, os.Getenv("AWS_ENDPOINT_URL_APPRUNNER"), os.Getenv("AWS_ENDPOINT_URL")),
		region:          cmp.Or(f.region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")),
		accessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		secretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		sessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
	}
}

// invoke calls an action.
func invoke[Out, In any](ctx context.Context, s *session, action string, in *In) (*Out, error) {
	out, err := awsjson.Call[In, Out](ctx, s.client, action, in)
	if e, ok := errors.AsType[*awsjson.APIError](err); ok {
		return nil, refused{e}
	}
	return out, err
}

func (s *session) describe(ctx context.Context, arn string) (*api.Service, error) {
	out, err := invoke[api.DescribeServiceResponse](ctx, s, "DescribeService", &api.DescribeServiceRequest{ServiceArn: arn})
	if err != nil {
		return nil, err
	}
	return out.Service, nil
}

// say writes a line of what was asked for.
func (s *session) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// tell writes a line beside it, for people alone.
func (s *session) tell(format string, args ...any) {
	if !s.json {
		fmt.Fprintf(s.side, format+"\n", args...)
	}
}

func (s *session) line() *line {
	if s.json {
		return newLine(nil)
	}
	return newLine(s.side)
}

// print writes the document of --json.
func (s *session) print(document any) error {
	e := json.NewEncoder(s.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(document)
}

// refused is the server's own word, without the frame in which AWS's command line shows it.
type refused struct{ *awsjson.APIError }

func (e refused) Error() string { return e.Message }

func (e refused) Unwrap() error { return e.APIError }

// isRefusal reports whether the server refused with that exception.
func isRefusal(err error, code string) bool {
	e, ok := errors.AsType[*awsjson.APIError](err)
	return ok && e.Code == code
}

func onThisMachine(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// url is where the service answers. App Runner's own services speak TLS alone.
func (s *session) url(svc string) string {
	if strings.HasSuffix(svc, ".awsapprunner.com") {
		return "https://" + svc
	}
	return "http://" + svc
}
