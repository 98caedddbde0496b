package autodeploy

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// signed tells whether the request proves that its sender has the secret, in any of the ways in which those do who send
// webhooks: GitHub and Gitea with X-Hub-Signature-256 and Bitbucket with X-Hub-Signature, an HMAC of the body; GitLab with
// the secret itself in X-Gitlab-Token; and whoever else with it as a bearer token.
func signed(req *http.Request, body []byte, secret string) bool {
	for _, header := range []string{"X-Hub-Signature-256", "X-Hub-Signature"} {
		if given, ok := strings.CutPrefix(req.Header.Get(header), "sha256="); ok {
			return validMAC(given, body, secret)
		}
	}
	bearer, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	given := cmp.Or(req.Header.Get("X-Gitlab-Token"), bearer)
	return hmac.Equal([]byte(given), []byte(secret))
}

func validMAC(given string, body []byte, secret string) bool {
	sum, err := hex.DecodeString(given)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal(sum, mac.Sum(nil))
}

// payload is what of a webhook is of interest.
type payload struct {
	ping     bool     // only a test of the connection
	branches []string // those that it is about; nil if it does not say, empty if it is about none
}

// payloadOf reads a webhook. What cannot be read says nothing, and the service is looked at.
func payloadOf(req *http.Request, body []byte) payload {
	switch event := cmp.Or(req.Header.Get("X-GitHub-Event"), req.Header.Get("X-Event-Key"), req.Header.Get("X-Gitlab-Event")); event {
	case "":
		return payload{} // a plain request has a body of its sender's choice
	case "ping", "diagnostics:ping":
		return payload{ping: true}
	case "push", "repo:push", "repo:refs_changed", "Push Hook":
		return pushOf(jsonOf(req, body))
	default:
		return payload{branches: []string{}} // of issues, releases, tags and so on
	}
}

// jsonOf takes the payload out of a form, where GitHub can put it.
func jsonOf(req *http.Request, body []byte) []byte {
	if kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		return body
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	return []byte(form.Get("payload"))
}

// push has those members of providers' payloads that name branches: GitHub's, Gitea's and GitLab's ref, Bitbucket Cloud's
// push and Bitbucket Data Center's changes.
type push struct {
	Ref  string `json:"ref"`
	Push struct {
		Changes []struct {
			New *struct {
				Name string `json:"name"`
			} `json:"new"`
		} `json:"changes"`
	} `json:"push"`
	Changes []struct {
		RefID string `json:"refId"`
	} `json:"changes"`
}

func pushOf(text []byte) payload {
	var p push
	if json.Unmarshal(text, &p) != nil {
		return payload{}
	}
	refs := []string{p.Ref}
	for _, c := range p.Changes {
		refs = append(refs, c.RefID)
	}
	branches := []string{}
	for _, ref := range refs {
		if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			branches = append(branches, branch)
		}
	}
	for _, c := range p.Push.Changes {
		if c.New != nil { // a branch that was deleted has none
			branches = append(branches, c.New.Name)
		}
	}
	return payload{branches: branches}
}
