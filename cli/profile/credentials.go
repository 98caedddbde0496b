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

// load finds the first that gives keys. What a profile keeps for itself comes before what the machine has; keys in the
// environment are passed over when the command line chose a profile.
func (s *Session) load(ctx context.Context) (source, error) {
	if _, err := s.metadata(); err != nil {
		return nil, err
	}
	for _, from := range s.sources() {
		keys, err := from(ctx)
		if keys != nil || err != nil {
			return keys, err
		}
	}
	return func(context.Context) (*Keys, error) { return nil, &NoCredentialsError{} }, nil
}

// sources are the places to look for keys, in order.
func (s *Session) sources() []func(context.Context) (source, error) {
	var list []func(context.Context) (source, error)
	if s.chosen == "" {
		list = append(list, s.fromEnvironment)
	}
	name := s.Profile()
	return append(list,
		func(context.Context) (source, error) { return s.fromFile(s.secrets[name], "shared-credentials-file") },
		func(context.Context) (source, error) { return s.fromFile(s.config.profiles[name], "config-file") },
	)
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
	return (&Keys{id, secret, token}).source(), nil
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
