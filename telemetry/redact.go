package telemetry

import "strings"

// redacted stands for the value of a query parameter that is, by its name, a credential.
const redacted = "REDACTED"

// Names of query parameters that hold credentials, in lower case: secretNames as a whole, secretParts as a part of them.
// Presigned URLs, OAuth answers, password resets and API keys are what they are of.
var (
	secretNames = byLetter("auth", "code", "jwt", "key", "otp", "pass", "pin", "pwd", "session", "session_id", "sessionid", "sid", "sig", "ticket")
	secretParts = byLetter("token", "secret", "passw", "signature", "credential", "apikey", "api_key", "api-key", "accesskey", "access_key", "authorization")
)

// byLetter is a list by first letters, in either case.
func byLetter(list ...string) (by [256][]string) {
	for _, s := range list {
		by[s[0]] = append(by[s[0]], s)
		by[s[0]-'a'+'A'] = by[s[0]]
	}
	return by
}

// appendURL appends a request's target or a Referer as put has it, cut, without credentials: the values of query
// parameters whose names are those of credentials, and user and password before a host.
func appendURL(b []byte, url string, put putter) []byte {
	if len(url) > maxTarget {
		return append(appendURL(b, url[:maxTarget], put), "..."...)
	}
	path, query, asked := strings.Cut(url, "?")
	b = appendPath(b, path, put)
	if asked {
		b = appendQuery(append(b, '?'), query, put)
	}
	return b
}

// putter appends text in some spelling.
type putter func(b []byte, text string) []byte

func appendPlain(b []byte, text string) []byte { return append(b, text...) }

func appendPath(b []byte, path string, put putter) []byte {
	if scheme := strings.Index(path, "://"); scheme > 0 {
		rest := path[scheme+3:]
		host, _, _ := strings.Cut(rest, "/")
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			b = put(b, path[:scheme+3])
			b = append(b, redacted...)
			path = rest[at:]
		}
	}
	return put(b, path)
}

func appendQuery(b []byte, query string, put putter) []byte {
	for {
		pair, rest, more := cutPair(query)
		name, _, valued := strings.Cut(pair, "=")
		if valued && isSecret(name) {
			b = put(b, pair[:len(name)+1])
			b = append(b, redacted...)
		} else {
			b = put(b, pair)
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
	if name == "" {
		return false
	}
	for _, whole := range secretNames[name[0]] {
		if strings.EqualFold(name, whole) {
			return true
		}
	}
	for i := range len(name) {
		for _, part := range secretParts[name[i]] {
			if len(name)-i >= len(part) && strings.EqualFold(name[i:i+len(part)], part) {
				return true
			}
		}
	}
	return false
}
