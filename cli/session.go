package cli

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"golang.org/x/term"

	"apron/awsjson"
	"apron/cli/model"
	"apron/cli/param"
	"apron/cli/profile"
)

// session is the configuration of one run: the files and the environment, and once choose was called the profile that
// the command line names.
type session struct {
	*profile.Session
	program    *Program
	timestamps param.Timestamps
}

func openSession(p *Program) (*session, error) {
	s, err := profile.Open(profile.Env{Lookup: p.LookupEnv, Prompt: p.askSecret})
	if err != nil {
		return nil, err
	}
	return &session{Session: s, program: p}, nil
}

// choose takes the profile of the command line and checks the settings that are checked whatever the command.
func (s *session) choose(g *settings) error {
	if g.profile != "" {
		s.Choose(g.profile)
	}
	format, err := s.TimestampFormat()
	if err != nil {
		return err
	}
	if s.timestamps, err = param.ParseTimestamps(format); err != nil {
		return err
	}
	if g.binaryFormat == "" {
		if _, err := s.BinaryFormat(); err != nil {
			return err
		}
	}
	return s.CheckMetadata()
}

// connection is how to call a service, and what the configuration says of calls.
type connection struct {
	*awsjson.Client
	validates bool // whether parameters are checked before they are sent
}

// connect finds out how to call the service. It sends nothing.
func (s *session) connect(ctx context.Context, service *model.Service, g *settings, agent string, t *tracer) (*connection, error) {
	r, err := s.Resolve(ctx, service.SigningName, profile.Flags{
		Region: g.optional("region"), EndpointURL: g.optional("endpoint_url"), CABundle: g.optional("ca_bundle"),
		NoVerifySSL: !g.verifySSL,
	})
	if err != nil {
		return nil, err
	}
	if err := g.checkTimeouts(); err != nil {
		return nil, err
	}
	client := &awsjson.Client{
		Endpoint: r.Endpoint, Region: r.Region, SigningName: service.SigningName, TargetPrefix: service.TargetPrefix,
		JSONVersion: service.JSONVersion, UserAgent: agent, Retry: awsjson.Retry{Mode: r.RetryMode, MaxAttempts: r.MaxAttempts},
	}
	if t != nil {
		client.Trace = t.printf
	}
	if g.sign {
		client.Credentials = func(ctx context.Context) (awsjson.Credentials, error) {
			keys, err := r.Credentials(ctx)
			if err != nil {
				return awsjson.Credentials{}, err
			}
			return awsjson.Credentials(*keys), nil
		}
	}
	client.HTTP = &http.Client{Transport: awsjson.Transport(awsjson.TransportConfig{
		NoVerifySSL: !r.Verify, CABundle: r.CABundle, ConnectTimeout: g.connectTimeout, ReadTimeout: g.readTimeout,
		Proxy: awsjson.EnvironmentProxy(s.program.Environ()), Unverified: s.warnUnverified,
	})}
	return &connection{client, r.ParameterValidation}, nil
}

// askSecret asks at the terminal for what is not to be seen there, such as the code of an MFA device.
func (p *Program) askSecret(question string) (string, error) {
	fmt.Fprint(p.Stderr, question)
	answer, err := term.ReadPassword(int(p.Stdin.Fd()))
	fmt.Fprintln(p.Stderr)
	if err != nil {
		return "", fmt.Errorf("read the answer from the terminal: %w", err)
	}
	return string(answer), nil
}

// warnUnverified says what AWS's CLI says through Python's warnings, without the place in Python's files.
func (s *session) warnUnverified(host string) {
	fmt.Fprintf(s.program.Stderr, "InsecureRequestWarning: Unverified HTTPS request is being made to host '%s'. Adding certificate verification is strongly advised.\n", host)
}

func (g *settings) optional(dest string) *string { return optional(g.parsed, dest) }

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
