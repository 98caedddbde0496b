package profile

import (
	"context"
	"net/http"
	"strings"
	"time"

	"apron/cli/document"
)

// fromInstance are the keys of the role that a machine of EC2 has. A machine that is none gives no answer, which is no
// error.
func (s *Session) fromInstance(ctx context.Context) (source, error) {
	m, err := s.metadata()
	if err != nil {
		return nil, err
	}
	first := s.instance(ctx, m)
	if first == nil {
		return nil, nil
	}
	return renewed(first, func(ctx context.Context) (*lease, error) {
		if next := s.instance(ctx, m); next != nil {
			return next, nil
		}
		return nil, unretrieved("iam-role", "Credential refresh failed, response did not contain: access_key, secret_key, token, expiry_time")
	}), nil
}

func (s *Session) instance(ctx context.Context, m metadata) *lease {
	const path = "latest/meta-data/iam/security-credentials/"
	token, ok := s.instanceToken(ctx, m)
	if !ok {
		return nil
	}
	role := m.get(ctx, path, token)
	if role == "" {
		return nil
	}
	value, _ := document.Parse(m.get(ctx, path+role, token))
	said, ok := value.(*document.Map)
	if !ok {
		return nil
	}
	for _, name := range []string{"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} {
		if _, ok := said.Get(name); !ok {
			return nil
		}
	}
	l, err := leased(said, "AccessKeyId", "SecretAccessKey", "Token", "Expiration")
	if err != nil {
		return nil
	}
	return l.extended()
}

// extended lets keys that are near their end last on: the machine's service hands out old ones when it is in trouble,
// and AWS keeps accepting them meanwhile.
func (l *lease) extended() *lease {
	if l.endsWithin(replaceBefore) {
		l.ends = time.Now().Add(2 * replaceBefore)
	}
	return l
}

// instanceRegion is the region of a machine of EC2, "" on any other.
func (s *Session) instanceRegion(ctx context.Context) (string, error) {
	m, err := s.metadata()
	if err != nil {
		return "", err
	}
	token, ok := s.instanceToken(ctx, m)
	if !ok {
		return "", nil
	}
	zone := m.get(ctx, "latest/meta-data/placement/availability-zone/", token)
	if zone == "" {
		return "", nil
	}
	return zone[:len(zone)-1], nil
}

// instanceToken is what the service wants to see with each question; an old one wants "". ok is false where there is no
// such service, or where it must not be asked.
func (s *Session) instanceToken(ctx context.Context, m metadata) (token string, ok bool) {
	if strings.EqualFold(s.env.get("AWS_EC2_METADATA_DISABLED"), "true") {
		return "", false
	}
	header := map[string]string{"x-aws-ec2-metadata-token-ttl-seconds": "21600"}
	for range m.attempts {
		status, text, err := ask(ctx, m.client(), http.MethodPut, m.endpoint+"latest/api/token", header, "")
		switch {
		case err != nil:
			continue
		case status == http.StatusOK:
			return text, true
		case status == http.StatusBadRequest:
			return "", false
		case status == http.StatusNotFound || status == http.StatusForbidden || status == http.StatusMethodNotAllowed:
			return "", true
		}
	}
	return "", true
}

// get is the answer to a question, "" for none.
func (m metadata) get(ctx context.Context, path, token string) string {
	header := map[string]string{}
	if token != "" {
		header["x-aws-ec2-metadata-token"] = token
	}
	for range m.attempts {
		if status, text, err := ask(ctx, m.client(), http.MethodGet, m.endpoint+path, header, ""); err == nil && status == http.StatusOK && text != "" {
			return text
		}
	}
	return ""
}

func (m metadata) client() *http.Client {
	return &http.Client{Timeout: time.Duration(m.timeout) * time.Second}
}
