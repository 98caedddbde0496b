package telemetry

import "strings"

// redacted stands for the value of a query parameter that is, by its name, a credential.
const redacted = "REDACTED"

// secretParts are parts of the names of query parameters that hold credentials, secretNames such names as a whole; in
// lower case. Presigned URLs, OAuth answers, password resets and API keys are what they are of.
var (
	secretParts = [...]string{"token", "secret", "passw", "signature", "credential", "apikey", "api_key", "api-key", "accesskey", "access_key", "authorization"}
	secretNames = [...]string{"auth", "code", "jwt", "key", "otp", "pass", "pin", "pwd", "session", "session_id", "sessionid", "sid", "sig", "ticket"}
)

// appendURL appends a request's target or a Referer, escaped and cut, without credentials: the values of query parameters
// whose names are those of credentials, and user and password before a host.
func appendURL(b []byte, url string) []byte {
	cut := len(url) > maxTarget
	if cut {
		url = url[:maxTarget]
	}
	path, query, asked := strings.Cut(url, "?")
	b = appendPath(b, path)
	if asked {
		b = appendQuery(append(b, '?'), query)
	}
	if cut {
		b = append(b, "..."...)
	}
	return b
}

func appendPath(b []byte, path string) []byte {
	if scheme := strings.Index(path, "://"); scheme > 0 {
		rest := path[scheme+3:]
		host, _, _ := strings.Cut(rest, "/")
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			b = appendEscaped(b, path[:scheme+3])
			b = append(b, redacted...)
			path = rest[at:]
		}
	}
	return appendEscaped(b, path)
}

func appendQuery(b []byte, query string) []byte {
	for {
		pair, rest, more := cutPair(query)
		name, _, valued := strings.Cut(pair, "=")
		if valued && isSecret(name) {
			b = appendEscaped(b, pair[:len(name)+1])
			b = append(b, redacted...)
		} else {
			b = appendEscaped(b, pair)
		}
		if !more {
			return b
		}
		b = append(b, query[len(pair)])
		query = rest
	}
}

// cutPair cuts at the first & or ;, both of which are in use.
func cutPair(query string) (pair, rest string, more bool) {
	if i := strings.IndexAny(query, "&;"); i >= 0 {
		return query[:i], query[i+1:], true
	}
	return query, "", false
}

func isSecret(name string) bool {
	for _, s := range secretNames {
		if strings.EqualFold(name, s) {
			return true
		}
	}
	for _, part := range secretParts {
		if containsFold(name, part) {
			return true
		}
	}
	return false
}

// containsFold reports whether s holds part, which is in lower case, whatever the case of s.
func containsFold(s, part string) bool {
	for ; len(s) >= len(part); s = s[1:] {
		if s[0]|0x20 == part[0] && strings.EqualFold(s[:len(part)], part) {
			return true
		}
	}
	return false
}
