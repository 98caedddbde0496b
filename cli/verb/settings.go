package verb

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"apron/awsjson"
	"apron/cli/profile"
)

// service is what configurations call App Runner.
const service = "apprunner"

// defaultRegion is the region that is asked in where none is configured.
const defaultRegion = "us-east-1"

// settings are how to reach a server, and as whom.
type settings struct {
	endpoint, region string
	credentials      func(context.Context) (awsjson.Credentials, error)
	retry            awsjson.Retry
	http             *http.Client // nil for the usual one
}

// client asks a server on this machine once: it answers or it is not there. Waits have a patience of their own.
func (s settings) client() *awsjson.Client {
	if onThisMachine(s.endpoint) {
		s.retry.MaxAttempts = 1
	}
	return &awsjson.Client{Endpoint: s.endpoint, Region: s.region, Credentials: s.credentials, Retry: s.retry, HTTP: s.http}
}

func onThisMachine(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// settings are those of the server that --data names, of the one that flags, environment and profile point to, or of the
// one that runs on this machine. AWS's own endpoint is never taken because nobody named another.
func (cfg *Config) settings(cmd *cobra.Command, f *flags) (settings, error) {
	if cmd.Flags().Changed("data") {
		return cfg.local(cmd.Context(), f.data, cmp.Or(f.region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")))
	}
	session, err := profile.Open(profile.Env{})
	if err != nil {
		return settings{}, err
	}
	session.Choose(f.profile)
	endpoint := f.endpoint
	if endpoint == "" {
		if endpoint, err = session.ConfiguredEndpoint(service); err != nil {
			return settings{}, err
		}
	}
	region, err := regionOf(cmd.Context(), session, f)
	if err != nil {
		return settings{}, err
	}
	if endpoint != "" {
		return remote(cmd.Context(), session, endpoint, cmp.Or(region, defaultRegion))
	}
	set, err := cfg.local(cmd.Context(), f.data, region)
	if err != nil {
		err = fmt.Errorf("no endpoint is configured, and there is no server on this machine: %w", err)
	}
	return set, err
}

// regionOf is what flag, environment or profile say; "" is nothing.
func regionOf(ctx context.Context, session *profile.Session, f *flags) (string, error) {
	var flag *string
	if f.region != "" {
		flag = &f.region
	}
	region, _, err := session.Region(ctx, flag)
	return region, err
}

// local is the server of the data directory, with the key that is kept there.
func (cfg *Config) local(ctx context.Context, data, region string) (settings, error) {
	found, err := cfg.Local(ctx, data)
	return settings{
		endpoint: found.Endpoint, region: cmp.Or(region, found.Region, defaultRegion),
		credentials: func(context.Context) (awsjson.Credentials, error) {
			return awsjson.Credentials{AccessKeyID: found.AccessKeyID, SecretAccessKey: found.SecretAccessKey}, nil
		},
	}, err
}

// remote is the server at the endpoint, with all else that environment and profile say.
func remote(ctx context.Context, session *profile.Session, endpoint, region string) (settings, error) {
	r, err := session.Resolve(ctx, service, profile.Flags{Region: &region, EndpointURL: &endpoint})
	if err != nil {
		return settings{}, err
	}
	transport, err := trusting(r)
	return settings{
		endpoint: r.Endpoint, region: r.Region, retry: awsjson.Retry{Mode: r.RetryMode, MaxAttempts: r.MaxAttempts}, http: transport,
		credentials: func(ctx context.Context) (awsjson.Credentials, error) {
			keys, err := r.Credentials(ctx)
			if _, none := errors.AsType[*profile.NoCredentialsError](err); none {
				err = fmt.Errorf("no access key is configured for %s: use `eval \"$(apron env)\"` beside the server, or an AWS profile", endpoint)
			}
			if err != nil {
				return awsjson.Credentials{}, err
			}
			return awsjson.Credentials(*keys), nil
		},
	}, err
}

// trusting is a client that believes whom the configuration names, nil for the usual one.
func trusting(r *profile.Resolved) (*http.Client, error) {
	if r.Verify && r.CABundle == "" {
		return nil, nil
	}
	config := &tls.Config{InsecureSkipVerify: !r.Verify}
	if r.CABundle != "" {
		text, err := os.ReadFile(r.CABundle)
		if err != nil {
			return nil, fmt.Errorf("read the certificates that are trusted: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate; it is to be trusted by AWS_CA_BUNDLE or ca_bundle", r.CABundle)
		}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, Proxy: http.ProxyFromEnvironment, IdleConnTimeout: 10 * time.Second}}, nil
}
