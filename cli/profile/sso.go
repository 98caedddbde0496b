package profile

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"apron/cli/document"
)

// signOn is a role that a single sign-on gives: whose sign-on it is, and which role.
type signOn struct {
	role, account, start, region string
	session                      string // "" is a sign-on that is known by its start page
}

// fromSignOn is the role of a sign-on. The sign-on itself is a matter of `aws sso login`: its token is found in a file.
func (s *Session) fromSignOn(name string) (source, error) {
	p := s.profile(name)
	_, role := p.Get("sso_role_name")
	_, account := p.Get("sso_account_id")
	if !role && !account {
		return nil, nil
	}
	on, err := s.signOn(name, p)
	if err != nil {
		return nil, err
	}
	return renewed(nil, func(ctx context.Context) (*lease, error) {
		return s.cached(on.key(), func() (*document.Map, error) { return s.roleOf(ctx, on) })
	}), nil
}

// signOn reads what the profile, and the section that it may refer to, say of the sign-on.
func (s *Session) signOn(name string, p *document.Map) (*signOn, error) {
	on := &signOn{session: must(p, "sso_session")}
	required := []string{"sso_role_name", "sso_account_id", "sso_start_url", "sso_region"}
	all := p
	if _, refers := p.Get("sso_session"); refers {
		var err error
		if all, err = s.joined(p, on.session); err != nil {
			return nil, err
		}
	}
	var missing []string
	for i, field := range []*string{&on.role, &on.account, &on.start, &on.region} {
		value, ok := has(all, required[i])
		if *field = value; !ok {
			missing = append(missing, required[i])
		}
	}
	if missing != nil {
		return nil, wrong(`The profile "%s" is configured to use SSO but is missing required configuration: %s`, name, strings.Join(missing, ", "))
	}
	return on, nil
}

// joined lays the section of the sign-on over the profile, where they do not contradict each other.
func (s *Session) joined(p *document.Map, session string) (*document.Map, error) {
	section, ok := s.config.sso[session]
	if !ok {
		return nil, wrong(`The specified sso-session does not exist: "%s"`, session)
	}
	all := &document.Map{}
	for key, value := range p.All() {
		all.Set(key, value)
	}
	for key, value := range section.All() {
		if have, ok := all.Get(key); ok && document.Repr(have) != document.Repr(value) {
			return nil, wrong("The value for %s is inconsistent between profile (%s) and sso-session (%s).", key, document.Str(have), document.Str(value))
		}
		all.Set(key, value)
	}
	return all, nil
}

// key tells one role from another, in the words that the AWS CLI makes the name of the cache's file from.
func (on *signOn) key() string {
	name, value := "startUrl", on.start
	if on.session != "" {
		name, value = "sessionName", on.session
	}
	var pairs []string
	for _, pair := range [][2]string{{"accountId", on.account}, {"roleName", on.role}, {name, value}} {
		pairs = append(pairs, document.JSON(pair[0], 0, true)+":"+document.JSON(pair[1], 0, true))
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// errUnauthorized is what the AWS CLI says of a token that is no longer good.
const errUnauthorized = "The SSO session associated with this profile has expired or is otherwise invalid. To refresh this SSO session run aws sso login with the corresponding profile."

// roleOf asks for the keys of the role.
func (s *Session) roleOf(ctx context.Context, on *signOn) (*document.Map, error) {
	token, err := s.token(ctx, on)
	if err != nil {
		return nil, err
	}
	base, client, err := s.place("sso", "portal.sso", on.region)
	if err != nil {
		return nil, err
	}
	query := url.Values{"role_name": {on.role}, "account_id": {on.account}}
	where := base + "/federation/credentials?" + query.Encode()
	status, text, err := ask(ctx, client, http.MethodGet, where, map[string]string{"x-amz-sso_bearer_token": token}, "")
	switch {
	case err != nil:
		return nil, unreachable(err, where)
	case status == http.StatusUnauthorized:
		return nil, wrong(errUnauthorized)
	case status != http.StatusOK:
		return nil, rejected("GetRoleCredentials", status, text)
	}
	return granted(text)
}

// place is where a service that knows no keys is, and a client for it.
func (s *Session) place(service, host, region string) (string, *http.Client, error) {
	base, err := s.configuredEndpoint(service, nil)
	if err == nil && base == "" {
		base, err = s.usualEndpoint(host, region, false)
	}
	if err != nil {
		return "", nil, err
	}
	client, err := s.transport()
	return strings.TrimRight(base, "/"), client, err
}

// rejected reads why a request was refused.
func rejected(operation string, status int, text string) error {
	e := &ServiceError{Code: document.Str(int64(status)), Operation: operation}
	value, _ := document.Parse(text)
	if said, ok := value.(*document.Map); ok {
		e.Message = must(said, "message")
		for _, name := range []string{"__type", "error", "code"} {
			if code, ok := has(said, name); ok {
				e.Code = code[strings.LastIndexByte(code, '#')+1:]
			}
		}
	}
	return e
}

// granted turns the service's answer into the form in which it is kept.
func granted(text string) (*document.Map, error) {
	value, err := document.Parse(text)
	if err != nil {
		return nil, wrong("%v", err)
	}
	said, _ := value.(*document.Map)
	if said == nil {
		said = &document.Map{}
	}
	inner, _ := said.Get("roleCredentials")
	keys, ok := inner.(*document.Map)
	if !ok {
		return nil, wrong("'roleCredentials'")
	}
	ends, _ := keys.Get("expiration")
	millis, _ := ends.(int64)
	l := &lease{Keys: Keys{must(keys, "accessKeyId"), must(keys, "secretAccessKey"), must(keys, "sessionToken")}}
	answer := answerOf(l, time.UnixMilli(millis).UTC().Format(time.RFC3339[:19]+"Z"))
	answer.Set("ProviderType", "sso")
	return answer, nil
}
