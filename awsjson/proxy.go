package awsjson

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// EnvironmentProxy finds proxies in HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Python does: a name in lower case wins, even
// with an empty value, NO_PROXY has suffixes of hosts, and this machine is reached through the proxy like any other.
func EnvironmentProxy(environ []string) func(*url.URL) string {
	proxies := map[string]string{}
	for _, lower := range []bool{false, true} {
		for _, setting := range environ {
			name, value, _ := strings.Cut(setting, "=")
			readProxy(proxies, name, value, lower)
		}
		if !lower && slices.ContainsFunc(environ, isCGI) {
			delete(proxies, "http") // a client of the web server could have set it, by a header
		}
	}
	return func(u *url.URL) string {
		if bypasses(u, proxies["no"]) {
			return ""
		}
		return proxies[u.Scheme]
	}
}

func isCGI(setting string) bool { return strings.HasPrefix(setting, "REQUEST_METHOD=") }

// readProxy takes in one variable. lower asks for those in lower case alone, which may also take back what others said.
func readProxy(proxies map[string]string, name, value string, lower bool) {
	scheme, ok := strings.CutSuffix(name, "_proxy")
	if !ok && !lower {
		scheme, ok = strings.CutSuffix(strings.ToLower(name), "_proxy")
	}
	scheme = strings.ToLower(scheme)
	switch {
	case ok && value != "":
		proxies[scheme] = value
	case ok && lower:
		delete(proxies, scheme)
	}
}

// bypasses reports whether the URL's host is one of those which no proxy is asked for.
func bypasses(u *url.URL, hosts string) bool {
	if hosts == "*" {
		return true
	}
	host := strings.ToLower(u.Host)
	name := host
	if i := strings.LastIndexByte(host, ':'); i >= 0 && i < len(host)-1 && strings.Trim(host[i+1:], "0123456789") == "" {
		name = host[:i]
	}
	for suffix := range strings.SplitSeq(hosts, ",") {
		suffix = strings.ToLower(strings.TrimLeft(strings.TrimSpace(suffix), "."))
		if suffix == "" {
			continue
		}
		if name == suffix || host == suffix || strings.HasSuffix(name, "."+suffix) || strings.HasSuffix(host, "."+suffix) {
			return true
		}
	}
	return false
}

// fixedProxy gives a proxy its scheme.
func fixedProxy(proxy string) string {
	switch {
	case proxy == "" || strings.HasPrefix(proxy, "http:") || strings.HasPrefix(proxy, "https:"):
		return proxy
	case strings.HasPrefix(proxy, "//"):
		return "http:" + proxy
	}
	return "http://" + proxy
}

// parseProxy returns nil for none. A name without a password is not sent.
func parseProxy(proxy string) (*url.URL, error) {
	if proxy == "" {
		return nil, nil
	}
	u, err := url.Parse(proxy)
	if err != nil {
		return nil, errors.New("Failed to parse: " + proxy)
	}
	if password, _ := u.User.Password(); u.User.Username() == "" || password == "" {
		u.User = nil
	}
	return u, nil
}

// maskedProxy hides who uses the proxy.
func maskedProxy(proxy string) string {
	userinfo := regexp.MustCompile(`^[^/]*//([^/?#]*)@`).FindStringSubmatch(proxy)
	if userinfo == nil {
		return proxy
	}
	name, password, _ := strings.Cut(userinfo[1], ":")
	for _, secret := range []string{name, password} {
		if secret != "" {
			proxy = strings.Replace(proxy, secret, "***", 1)
		}
	}
	return proxy
}
