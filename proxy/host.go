package proxy

import "strings"

// lookup finds the service that has the host, written as a client writes it.
func (p *Proxy) lookup(host string) *service {
	return (*p.hosts.Load())[normalHost(host)]
}

// normalHost is the form in which hosts are compared: without port and trailing dot, in lower case. It allocates only
// for hosts that are not lower case. A port is digits and nothing else: applications build links of the Host they get,
// and "web.test:x@evil.test" leads to evil.test.
func normalHost(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && isDigits(host[i+1:]) {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// wellFormedHost reports whether host could be one that nobody has. What is no host at all, such as one with a user's
// name, a path, a list or a space in it, is a malformed request. Those of services are well formed and need no asking.
func wellFormedHost(host string) bool {
	name, port, _ := strings.Cut(host, ":")
	if strings.HasPrefix(host, "[") {
		end := strings.LastIndexByte(host, ']')
		if end < 0 {
			return false
		}
		name, port = host[1:end], strings.TrimPrefix(host[end+1:], ":")
	}
	return name != "" && isDigits(port) && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`@/\,?#"<>[]^{}|`+"`", r)
	})
}
