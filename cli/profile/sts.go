package profile

import (
	"context"
	"errors"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"apron/cli/document"
)

// assume takes the role with the keys of from, and asks for the code of the device where one must be shown.
func (s *Session) assume(ctx context.Context, call roleCall, from source) (*document.Map, error) {
	in := &sts.AssumeRoleInput{RoleArn: &call.role, RoleSessionName: new(call.sessionName())}
	if call.external != "" {
		in.ExternalId = &call.external
	}
	if call.seconds != nil {
		in.DurationSeconds = new(int32(*call.seconds))
	}
	code := ""
	if call.device != "" {
		var err error
		if code, err = s.prompt("Enter MFA code for " + call.device + ": "); err != nil {
			return nil, err
		}
		in.SerialNumber, in.TokenCode = &call.device, &code
	}
	keys, err := from(ctx)
	if err != nil {
		return nil, err
	}
	client, where, err := s.sts(ctx, keys)
	if err != nil {
		return nil, err
	}
	if err := s.check(call, code, ""); err != nil {
		return nil, err
	}
	out, err := client.AssumeRole(ctx, in)
	if err != nil {
		return nil, refused(err, "AssumeRole", where)
	}
	return answered(out.Credentials), nil
}

func (s *Session) prompt(question string) (string, error) {
	if s.env.Prompt == nil {
		return "", wrong("there is nobody to ask: %s", question)
	}
	return s.env.Prompt(question)
}

// sts is a client of STS in the session's region; calls are unsigned without keys.
func (s *Session) sts(ctx context.Context, keys *Keys) (client *sts.Client, where string, err error) {
	region, ok, err := s.Region(ctx, s.region)
	if err != nil {
		return nil, "", err
	}
	if !ok {
		return nil, "", &NoRegionError{}
	}
	_, attempts, err := s.Retry()
	if err != nil {
		return nil, "", err
	}
	where, region, err = s.Endpoint("sts", region, nil)
	if err != nil {
		return nil, "", err
	}
	transport, err := s.transport()
	if err != nil {
		return nil, "", err
	}
	return sts.New(sts.Options{
		Region: region, BaseEndpoint: &where, HTTPClient: transport, Credentials: provider(keys),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = attempts }),
	}), where, nil
}

func provider(keys *Keys) aws.CredentialsProvider {
	if keys == nil {
		return aws.AnonymousCredentials{}
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey, SessionToken: keys.SessionToken}, nil
	})
}

func answered(c *types.Credentials) *document.Map {
	l := &lease{Keys: Keys{aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken)}}
	return answerOf(l, utc(aws.ToTime(c.Expiration)))
}

// refused says why the service gave no keys.
func refused(err error, operation, where string) error {
	no, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return unreachable(err, where)
	}
	e := &ServiceError{Code: no.ErrorCode(), Operation: operation, Message: no.ErrorMessage()}
	if last, ok := errors.AsType[*retry.MaxAttemptsError](err); ok {
		e.Retries = new(last.Attempt - 1)
	}
	return e
}

// unreachable is a service that did not answer at a URL, which always has a path.
func unreachable(err error, where string) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if u, parseErr := url.Parse(where); parseErr == nil && u.Path == "" {
		u.Path = "/"
		where = u.String()
	}
	return wrong(`Could not connect to the endpoint URL: "%s"`, where)
}
