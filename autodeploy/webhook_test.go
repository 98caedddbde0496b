package autodeploy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const body = `{"ref":"refs/heads/main"}`

func mac(secret string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	return hex.EncodeToString(m.Sum(nil))
}

func TestSigned_WantsTheSecretInOneOfTheProvidersWays(t *testing.T) {
	for name, c := range map[string]struct {
		header, value string
		want          bool
	}{
		"GitHub":              {"X-Hub-Signature-256", "sha256=" + mac("s3cret"), true},
		"GitHub, wrong":       {"X-Hub-Signature-256", "sha256=" + mac("other"), false},
		"GitHub, no digits":   {"X-Hub-Signature-256", "sha256=zz", false},
		"GitHub, the old way": {"X-Hub-Signature", "sha1=" + mac("s3cret"), false},
		"Bitbucket":           {"X-Hub-Signature", "sha256=" + mac("s3cret"), true},
		"GitLab":              {"X-Gitlab-Token", "s3cret", true},
		"GitLab, wrong":       {"X-Gitlab-Token", "s3cre", false},
		"bearer":              {"Authorization", "Bearer s3cret", true},
		"bearer, wrong":       {"Authorization", "Bearer ", false},
		"basic":               {"Authorization", "Basic czNjcmV0", false},
		"nothing":             {"X-Nothing", "s3cret", false},
	} {
		t.Run(name, func(t *testing.T) {
			req := httptest.NewRequest(http.MethodPost, "/", nil)
			req.Header.Set(c.header, c.value)
			if got := signed(req, []byte(body), "s3cret"); got != c.want {
				t.Errorf("signed = %t", got)
			}
		})
	}
}

func TestPayloadOf_ReadsWhatProvidersSend(t *testing.T) {
	for name, c := range map[string]struct {
		header, event, body, want string
	}{
		"GitHub":              {"X-GitHub-Event", "push", body, "main"},
		"GitHub, a tag":       {"X-GitHub-Event", "push", `{"ref":"refs/tags/v1"}`, "none"},
		"GitHub, a ping":      {"X-GitHub-Event", "ping", `{}`, "ping"},
		"GitHub, an issue":    {"X-GitHub-Event", "issues", `{}`, "none"},
		"GitHub, no JSON":     {"X-GitHub-Event", "push", `{`, "any"},
		"GitHub, in a form":   {"X-GitHub-Event", "push", "payload=" + url.QueryEscape(body), "main"},
		"GitLab":              {"X-Gitlab-Event", "Push Hook", body, "main"},
		"GitLab, a tag":       {"X-Gitlab-Event", "Tag Push Hook", `{"ref":"refs/tags/v1"}`, "none"},
		"Bitbucket":           {"X-Event-Key", "repo:push", `{"push":{"changes":[{"new":{"name":"main"}},{"new":{"name":"next"}}]}}`, "main next"},
		"Bitbucket, deletion": {"X-Event-Key", "repo:push", `{"push":{"changes":[{"new":null}]}}`, "none"},
		"Bitbucket's server":  {"X-Event-Key", "repo:refs_changed", `{"changes":[{"refId":"refs/heads/a/b"}]}`, "a/b"},
		"anybody":             {"X-Whatever", "push", `anything`, "any"},
	} {
		t.Run(name, func(t *testing.T) {
			req := httptest.NewRequest(http.MethodPost, "/", nil)
			req.Header.Set(c.header, c.event)
			if strings.HasPrefix(c.body, "payload=") {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			}
			if got := shown(payloadOf(req, []byte(c.body))); got != c.want {
				t.Errorf("it is about %s, want %s", got, c.want)
			}
		})
	}
}

func shown(p payload) string {
	switch {
	case p.ping:
		return "ping"
	case p.branches == nil:
		return "any"
	case len(p.branches) == 0:
		return "none"
	}
	return strings.Join(p.branches, " ")
}
