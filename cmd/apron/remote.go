package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"apron/api"
	"apron/build/source"
	"apron/store"
)

// checkRepository says why an account can have no sources from a URL; see control.Config.
func (p *platform) checkRepository(_ string, u *url.URL) error {
	switch u.Scheme {
	case "file":
		if !p.sources.Readable(u.Path) {
			return errors.New("repositories on the server's own disk are read only below the directories that it was started with as --file-repositories; " +
				"ask its operator for that, or use https or ssh")
		}
	case "http":
		if _, ours := p.git.Repository(u.String()); !ours {
			return errors.New("nothing protects what comes over http; use https, or push the repository to this server, below http://" + reachable(p.api) + "/git/")
		}
	}
	return nil
}

// remote finds where a service's source is, and what opens it; see operation.Config.
func (p *platform) remote(ctx context.Context, account string, s *api.SourceConfiguration) (source.Remote, error) {
	code := s.CodeRepository
	r := source.Remote{Account: account, URL: code.RepositoryUrl, Branch: code.SourceCodeVersion.Value}
	if auth := s.AuthenticationConfiguration; auth != nil && auth.ConnectionArn != nil {
		host, err := source.Host(r.URL)
		if err != nil {
			return r, err
		}
		if r.Credential, err = p.credential(ctx, *auth.ConnectionArn, host); err != nil {
			return r, err
		}
	}
	return r, nil
}

// credential opens what the operator has given the connection, for a host that it is meant for.
func (p *platform) credential(ctx context.Context, arn, host string) (*source.Credential, error) {
	parsed, err := api.ParseARN(arn, api.ResourceConnection)
	if err != nil {
		return nil, err
	}
	var c store.Connection
	err = p.store.Read(ctx, func(tx *store.Tx) error {
		r, err := store.FindResource[store.Connection](tx, parsed)
		c = r.Record
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read connection %s: %w", parsed.Name, err)
	}
	given := c.Credential
	if given == nil {
		return nil, &source.Error{Reason: fmt.Sprintf("The connection %s has no credential. Give it one with `apron connection authorize %s`, and deploy again.", parsed.Name, parsed.Name)}
	}
	if hosts := given.HostsOf(*c.ProviderType); host != "" && !slices.Contains(hosts, host) {
		return nil, &source.Error{Reason: fmt.Sprintf("The connection %s is for %s and is not shown to %s. Leave it out for a repository that anybody may read, "+
			"or authorize it with `apron connection authorize %s --host %s`, and deploy again.", parsed.Name, strings.Join(hosts, " and "), host, parsed.Name, host)}
	}
	secret, err := p.ring.Unseal(given.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open the credential of connection %s: %w", parsed.Name, err)
	}
	if given.Kind == store.CredentialSSHKey {
		return &source.Credential{PrivateKey: secret, KnownHosts: given.Known}, nil
	}
	return &source.Credential{Password: string(secret)}, nil
}
