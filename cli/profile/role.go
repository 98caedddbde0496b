package profile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"apron/cli/document"
)

// roles follows profiles that take a role to those whose keys they take it with.
type roles struct {
	s       *Session
	visited []string
}

// fromRole is the role that the profile takes, with the keys of another profile or of the machine. What is wrong with
// the profiles is found now; the role is taken when the keys are needed.
func (s *Session) fromRole(ctx context.Context, name string) (source, error) {
	if !takesRole(s.profile(name)) {
		return nil, nil
	}
	r := &roles{s: s, visited: []string{name}}
	return r.take(ctx, name)
}

func takesRole(p *document.Map) bool {
	_, role := p.Get("role_arn")
	_, web := p.Get("web_identity_token_file")
	return role && !web
}

func hasStaticKeys(p *document.Map) bool {
	_, id := p.Get("aws_access_key_id")
	_, secret := p.Get("aws_secret_access_key")
	return id || secret
}

func (r *roles) take(ctx context.Context, name string) (source, error) {
	p := r.s.profile(name)
	from, err := r.keysFor(ctx, name, p)
	if err != nil {
		return nil, err
	}
	call := roleCall{role: must(p, "role_arn"), external: must(p, "external_id"), device: must(p, "mfa_serial"), session: must(p, "role_session_name")}
	if written, ok := has(p, "duration_seconds"); ok {
		if n, err := document.Int(written); err == nil {
			if n, ok := n.(int64); ok {
				call.seconds = &n
			}
		}
	}
	return renewed(nil, func(ctx context.Context) (*lease, error) {
		return r.s.cached(call.key(), func() (*document.Map, error) { return r.s.assume(ctx, call, from) })
	}), nil
}

// must is a value that may be missing, which is "".
func must(p *document.Map, name string) string {
	value, _ := has(p, name)
	return value
}

// keysFor is the source of the keys that the profile's role is taken with.
func (r *roles) keysFor(ctx context.Context, name string, p *document.Map) (source, error) {
	kind, fromMachine := has(p, "credential_source")
	other, fromProfile := has(p, "source_profile")
	switch {
	case fromMachine && fromProfile:
		return nil, wrong(`The profile "%s" contains both source_profile and credential_source.`, name)
	case fromMachine:
		return r.s.fromMachine(ctx, kind, name)
	case !fromProfile:
		return nil, partial("assume-role", "source_profile or credential_source")
	}
	if err := r.check(name, other); err != nil {
		return nil, err
	}
	r.visited = append(r.visited, other)
	if p := r.s.profile(other); takesRole(p) && !hasStaticKeys(p) {
		return r.take(ctx, other)
	}
	keys, err := firstOf(ctx, r.s.profileSources(other, false))
	if keys == nil && err == nil {
		err = wrong(`The source profile "%s" must have credentials.`, other)
	}
	return keys, err
}

// check reports a source that is not there, and one that leads back to where it came from. A profile may be its own
// source, for the keys that are in it.
func (r *roles) check(name, other string) error {
	p, ok := r.s.profiles[other]
	if !ok {
		return wrong(`The source_profile "%s" referenced in the profile "%s" does not exist.`, other, name)
	}
	if !slices.Contains(r.visited, other) || other == name && hasStaticKeys(p) {
		return nil
	}
	var names []any
	for _, v := range r.visited {
		names = append(names, v)
	}
	return wrong("Infinite loop in credential configuration detected. Attempting to load from profile %s which has already been visited. Visited profiles: %s",
		other, document.Repr(names))
}

// fromMachine is the source of that kind, of those that need no profile.
func (s *Session) fromMachine(ctx context.Context, kind, name string) (source, error) {
	from, ok := map[string]func(context.Context) (source, error){
		"Environment": s.fromEnvironment, "EcsContainer": s.fromContainer, "Ec2InstanceMetadata": s.fromInstance,
	}[kind]
	if !ok {
		return nil, wrong(`The credential source "%s" referenced in profile "%s" is not valid.`, kind, name)
	}
	keys, err := from(ctx)
	if keys == nil && err == nil {
		err = unretrieved(kind, "No credentials found in credential_source referenced in profile "+name)
	}
	return keys, err
}

// roleCall is what is asked of STS.
type roleCall struct {
	role, external, device, session string
	seconds                         *int64 // nil is as long as the role allows
}

// key tells one call from another, in the words that the AWS CLI makes the name of the cache's file from.
func (c roleCall) key() string {
	args := &document.Map{}
	if c.seconds != nil {
		args.Set("DurationSeconds", *c.seconds)
	}
	for _, member := range []struct{ name, value string }{
		{"ExternalId", c.external}, {"RoleArn", c.role}, {"RoleSessionName", c.session}, {"SerialNumber", c.device},
	} {
		if member.value != "" {
			args.Set(member.name, member.value)
		}
	}
	return document.JSON(args, 0, true)
}

// sessionName is what the role's session is called, made up where the profile does not say.
func (c roleCall) sessionName() string {
	if c.session != "" {
		return c.session
	}
	return fmt.Sprintf("botocore-session-%d", time.Now().Unix())
}
