package proxy

import (
	"net/http"
	"strings"
)

// target is the request's target in origin-form: an absolute one is without its scheme and host, as the instance gets it.
func target(r *http.Request) string {
	if r.URL.Host == "" || strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// wellFormedTarget reports whether the instance's request line can hold the target. In HTTP/1.1 a space ends it, so none gets
// here; in HTTP/2 the path is any bytes, and those of "/ HTTP/1.1" would make a request line of their own.
func wellFormedTarget(r *http.Request) bool {
	for _, c := range []byte(r.RequestURI) {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	switch {
	case strings.HasPrefix(r.RequestURI, "/"), r.RequestURI == "*" && r.Method == http.MethodOptions:
		return true
	}
	return r.ProtoMajor == 1 && (r.URL.Scheme == "http" || r.URL.Scheme == "https") && r.URL.User == nil
}
