package profile

import (
	"context"

	"apron/cli/document"
)

// Keys are what calls are signed with.
type Keys struct{ AccessKeyID, SecretAccessKey, SessionToken string }

// source gives keys when they are needed.
type source = func(context.Context) (*Keys, error)

// These are always at hand.
func (k *Keys) source() source {
	return func(context.Context) (*Keys, error) { return k, nil }
}

// Credentials are the keys of the profile in use, nil without any.
func (s *Session) Credentials(ctx context.Context) (*Keys, error) {
	from, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := from(ctx)
	if _, none := err.(*NoCredentialsError); none {
		return nil, nil
	}
	return keys, err
}

// find gives a source of keys, nil where it has none.
type find = func(context.Context) (source, error)

// load finds the first that gives keys. What a profile keeps for itself comes before what the machine has; keys in the
// environment are passed over when the command line chose a profile.
func (s *Session) load(ctx context.Context) (source, error) {
	if _, err := s.metadata(); err != nil {
		return nil, err
	}
	keys, err := firstOf(ctx, s.sources())
	if keys == nil && err == nil {
		keys = func(context.Context) (*Keys, error) { return nil, &NoCredentialsError{} }
	}
	return keys, err
}

func firstOf(ctx context.Context, list []find) (source, error) {
	for _, from := range list {
		keys, err := from(ctx)
		if keys != nil || err != nil {
			return keys, err
		}
	}
	return nil, nil
}

// sources are the places to look for keys, in order.
func (s *Session) sources() []find {
	var list []find
	if s.chosen == "" {
		list = append(list, s.fromEnvironment)
	}
	name := s.Profile()
	list = append(list, func(ctx context.Context) (source, error) { return s.fromRole(ctx, name) })
	list = append(list, s.profileSources(name, s.chosen == "")...)
	return append(list, s.fromEC2File, s.fromBoto, s.fromContainer, s.fromInstance)
}

// profileSources are the ways in which a profile has keys without the help of another.
func (s *Session) profileSources(name string, environment bool) []find {
	return []find{
		func(context.Context) (source, error) { return s.fromIdentity(name, environment) },
		func(context.Context) (source, error) { return s.fromSignOn(name) },
		func(context.Context) (source, error) { return s.fromFile(s.secrets[name], "shared-credentials-file") },
		func(ctx context.Context) (source, error) { return s.fromProcess(ctx, name) },
		func(context.Context) (source, error) { return s.fromFile(s.config.profiles[name], "config-file") },
	}
}

// fromEnvironment takes the keys that are in variables. An empty one is none.
func (s *Session) fromEnvironment(context.Context) (source, error) {
	id := s.env.get("AWS_ACCESS_KEY_ID")
	if id == "" {
		return nil, nil
	}
	secret := s.env.get("AWS_SECRET_ACCESS_KEY")
	if secret == "" {
		return nil, partial("env", "AWS_SECRET_ACCESS_KEY")
	}
	token := s.env.get("AWS_SECURITY_TOKEN")
	if token == "" {
		token = s.env.get("AWS_SESSION_TOKEN")
	}
	keys := Keys{id, secret, token}
	end := s.env.get("AWS_CREDENTIAL_EXPIRATION")
	if end == "" {
		return keys.source(), nil
	}
	ends, err := moment(end)
	same := &lease{Keys: keys, ends: ends}
	return renewed(same, func(context.Context) (*lease, error) { return same, nil }), err
}

// fromFile takes the keys of a section of a file; method is what errors call that file.
func (s *Session) fromFile(values *document.Map, method string) (source, error) {
	if values == nil {
		return nil, nil
	}
	id, ok := has(values, "aws_access_key_id")
	if !ok {
		return nil, nil
	}
	secret, ok := has(values, "aws_secret_access_key")
	if !ok {
		return nil, partial(method, "aws_secret_access_key")
	}
	token, ok := has(values, "aws_security_token")
	if !ok {
		token, _ = has(values, "aws_session_token")
	}
	return (&Keys{id, secret, token}).source(), nil
}
