package profile

import (
	"context"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"apron/cli/document"
)

// fromIdentity is the role that is taken with a token which somebody else puts into a file. The environment may say
// which, before the profile, unless the command line chose that.
func (s *Session) fromIdentity(name string, environment bool) (source, error) {
	get := func(setting, variable string) string {
		if value, ok := s.env.lookup(variable); ok && environment {
			return value
		}
		return must(s.profile(name), setting)
	}
	path := get("web_identity_token_file", "AWS_WEB_IDENTITY_TOKEN_FILE")
	if path == "" {
		return nil, nil
	}
	call := roleCall{role: get("role_arn", "AWS_ROLE_ARN"), session: get("role_session_name", "AWS_ROLE_SESSION_NAME")}
	if call.role == "" {
		return nil, wrong("The provided profile or the current environment is configured to assume role with web identity but has no " +
			"role ARN configured. Ensure that the profile has the role_arnconfiguration set or the AWS_ROLE_ARN env var is set.")
	}
	return renewed(nil, func(ctx context.Context) (*lease, error) {
		return s.cached(call.key(), func() (*document.Map, error) { return s.assumeWithToken(ctx, call, path) })
	}), nil
}

func (s *Session) assumeWithToken(ctx context.Context, call roleCall, path string) (*document.Map, error) {
	token, err := os.ReadFile(path)
	if err != nil {
		return nil, unstarted(path, err)
	}
	client, url, err := s.sts(ctx, nil)
	if err != nil {
		return nil, err
	}
	if err := s.check(call, "", string(token)); err != nil {
		return nil, err
	}
	out, err := client.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &call.role, RoleSessionName: new(call.sessionName()), WebIdentityToken: new(string(token))})
	if err != nil {
		return nil, refused(err, "AssumeRoleWithWebIdentity", url)
	}
	return answered(out.Credentials), nil
}
