package profile

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"apron/cli/document"
)

// token is the sign-on's token, from the file that `aws sso login` left. One that is near its end is exchanged where
// the sign-on has a section of its own.
func (s *Session) token(ctx context.Context, on *signOn) (string, error) {
	name := on.start
	if on.session != "" {
		name = on.session
	}
	path := s.env.Expand(filepath.Join("~/.aws/sso/cache", digest(name)+".json"))
	kept, ok := readJSON(path)
	if !ok {
		return "", wrong("Error loading SSO Token: Token for %s does not exist", name)
	}
	token, good := has(kept, "accessToken")
	ends, dated := has(kept, "expiresAt")
	if !good || !dated {
		return "", wrong("Error loading SSO Token: Token for %s is invalid", on.start)
	}
	if on.session == "" {
		return token, nil
	}
	return s.fresh(ctx, on, path, kept, token, ends)
}

// fresh exchanges the token if it is near its end. Where that is refused, what remains of the old one is used.
func (s *Session) fresh(ctx context.Context, on *signOn, path string, kept *document.Map, token, ends string) (string, error) {
	end, err := moment(ends)
	if err != nil {
		return "", err
	}
	if time.Until(end) >= replaceBefore {
		return token, nil
	}
	if next := s.exchange(ctx, on, kept); next != nil {
		return must(next, "accessToken"), writeJSON(path, next)
	}
	if time.Until(end) <= 0 {
		return "", wrong("Error when retrieving token from sso: Token has expired and refresh failed")
	}
	return token, nil
}

// exchange gets a new token for an old one, or nil.
func (s *Session) exchange(ctx context.Context, on *signOn, kept *document.Map) *document.Map {
	for _, name := range []string{"refreshToken", "clientId", "clientSecret"} {
		if _, ok := has(kept, name); !ok {
			return nil
		}
	}
	if end, err := moment(must(kept, "registrationExpiresAt")); err != nil || time.Until(end) <= 0 {
		return nil
	}
	base, client, err := s.place("sso-oidc", "oidc", on.region)
	if err != nil {
		return nil
	}
	body := document.NewMap("grantType", "refresh_token", "clientId", must(kept, "clientId"),
		"clientSecret", must(kept, "clientSecret"), "refreshToken", must(kept, "refreshToken"))
	status, text, err := ask(ctx, client, http.MethodPost, base+"/token",
		map[string]string{"Content-Type": "application/json"}, document.JSON(body, 0, true))
	if err != nil || status != http.StatusOK {
		return nil
	}
	return exchanged(on, kept, text)
}

// exchanged is the file of the new token.
func exchanged(on *signOn, kept *document.Map, text string) *document.Map {
	value, _ := document.Parse(text)
	said, ok := value.(*document.Map)
	if !ok || must(said, "accessToken") == "" {
		return nil
	}
	lasts, _ := said.Get("expiresIn")
	seconds, _ := lasts.(int64)
	next := document.NewMap("startUrl", on.start, "region", on.region, "accessToken", must(said, "accessToken"),
		"expiresAt", time.Now().Add(time.Duration(seconds)*time.Second).UTC().Format(time.RFC3339),
		"clientId", must(kept, "clientId"), "clientSecret", must(kept, "clientSecret"),
		"registrationExpiresAt", must(kept, "registrationExpiresAt"))
	if again, ok := has(said, "refreshToken"); ok {
		next.Set("refreshToken", again)
	}
	return next
}

// checkToken reports a profile whose sign-on is not there or says too little, which AWS's CLI looks at for every call,
// whatever it is signed with.
func (s *Session) checkToken() error {
	session, ok := has(s.profile(s.Profile()), "sso_session")
	if !ok {
		return nil
	}
	section, ok := s.config.sso[session]
	if !ok || section.Len() == 0 {
		return wrong(`The profile "%s" is configured to use the SSO token provider but the "%s" sso_session configuration does not exist.`, s.Profile(), session)
	}
	var missing []any
	for _, name := range []string{"sso_start_url", "sso_region"} {
		if _, ok := section.Get(name); !ok {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		return wrong(`The profile "%s" is configured to use the SSO token provider but is missing the following configuration: %s.`, s.Profile(), document.Repr(missing))
	}
	return nil
}
