package source

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
)

// address is a repository's URL, taken apart.
type address struct {
	raw    string
	scheme string // https, http, ssh, file
	user   string // of ssh
	host   string // lower case, "" for file
	port   string // always given but for file
	path   string // as the server is to see it
	scp    bool   // USER@HOST:PATH
}

// parseAddress refuses what is no URL of a git repository. Its errors never show what may be a credential.
func parseAddress(raw string) (address, error) {
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return address{}, refuse("the repository's URL has spaces or control characters in it; write them as %%20 and the like")
	}
	if !strings.Contains(raw, "://") {
		return parseSCP(raw)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return address{}, refuse("the repository's URL cannot be read; it has to look like https://HOST/PATH, ssh://git@HOST/PATH or git@HOST:PATH")
	}
	if _, has := u.User.Password(); has || u.User != nil && u.Scheme != "ssh" {
		return address{}, refuse("the repository's URL has a credential in it, which everybody would see who describes the service; give it to a connection with `apron connection authorize`")
	}
	if strings.ContainsAny(raw, "?#") {
		return address{}, refuse("the repository's URL has a ? or # in it, which no repository's has; leave away what follows it")
	}
	a := address{raw: raw, scheme: u.Scheme, host: strings.ToLower(u.Hostname()), port: u.Port(), path: u.EscapedPath()}
	return a.checked(u)
}

// Host is the host that a repository's URL leads to, in lower case; "" for a file URL.
func Host(repository string) (string, error) {
	a, err := parseAddress(repository)
	return a.host, err
}

func (a address) checked(u *url.URL) (address, error) {
	switch a.scheme {
	case "https", "http":
		a.port = orDefault(a.port, map[string]string{"https": "443", "http": "80"}[a.scheme])
	case "ssh":
		a.port, a.user, a.path = orDefault(a.port, "22"), orDefault(u.User.Username(), "git"), u.Path
		if strings.HasPrefix(a.path, "/~") {
			a.path = a.path[1:]
		}
	case "file":
		if a.host != "" && a.host != "localhost" {
			return address{}, refuse("the URL %s names the machine %s, but file:// reads this machine's own files; write file:///PATH", a, a.host)
		}
		a.host, a.port, a.path = "", "", u.Path
	default:
		return address{}, refuse("repositories are fetched over https, ssh and, where it is allowed, file and http, not over %q", a.scheme)
	}
	return a.complete()
}

// parseSCP reads git's short form for ssh: what stands before the first colon is a host, unless a slash comes before it.
func parseSCP(raw string) (address, error) {
	login, path, ok := strings.Cut(raw, ":")
	if i := strings.Index(raw, "[") + 1; i > 0 && strings.Contains(raw[i:], "]:") {
		host, rest, _ := strings.Cut(raw[i:], "]:")
		login, path, ok = raw[:i-1]+host, rest, true
	}
	if !ok || strings.Contains(login, "/") {
		return address{}, refuse("%q is no URL of a repository; it has to look like https://HOST/PATH, ssh://git@HOST/PATH or git@HOST:PATH", raw)
	}
	user, host, ok := strings.Cut(login, "@")
	if !ok {
		user, host = "git", login
	}
	return address{raw: raw, scheme: "ssh", user: user, host: strings.ToLower(host), port: "22", path: path, scp: true}.complete()
}

// complete refuses an address that lacks a part, or has one that a program could take for an option. A host is letters and
// digits: the zone of an IPv6 address can be any text, and a comma in it makes two hosts of one in a line of known hosts, of
// which the second would get the first one's key.
func (a address) complete() (address, error) {
	if a.scheme != "file" && a.host == "" || strings.Trim(a.path, "/") == "" {
		return address{}, refuse("the repository's URL lacks the host or the path; it has to look like https://HOST/PATH, ssh://git@HOST/PATH or git@HOST:PATH")
	}
	if strings.ContainsFunc(a.host, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".-_:", r)
	}) {
		return address{}, refuse("the repository's URL has a host with characters that no host's name or address has; check the URL")
	}
	if strings.HasPrefix(a.host, "-") || strings.HasPrefix(a.user, "-") || strings.HasPrefix(a.path, "-") {
		return address{}, refuse("the repository's URL has a host, user or path that begins with -; no repository is called so")
	}
	return a, nil
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// String is the URL as errors show it.
func (a address) String() string {
	if a.scp {
		return a.raw
	}
	host := a.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if a.port != "" && a.port != map[string]string{"https": "443", "http": "80", "ssh": "22"}[a.scheme] {
		host += ":" + a.port
	}
	return a.scheme + "://" + host + "/" + strings.TrimPrefix(a.path, "/")
}

func (a address) hostPort() string { return net.JoinHostPort(a.host, a.port) }

// sameServer says whether a credential for one address may be shown at the other: never on a weaker or another channel.
func (a address) sameServer(b address) bool {
	return a.scheme == b.scheme && a.host == b.host && a.port == b.port
}

// relativeURL resolves a submodule's ./ or ../ URL against that of the repository it is in, as git does: by text, so that
// it works on USER@HOST:PATH too.
func relativeURL(base, rel string) string {
	base, sep := strings.TrimRight(base, "/"), "/"
	for {
		if rest, ok := strings.CutPrefix(rel, "./"); ok {
			rel = rest
			continue
		}
		rest, ok := strings.CutPrefix(rel, "../")
		if !ok {
			return strings.TrimSuffix(base+sep+rel, "/")
		}
		rel = rest
		if i := strings.LastIndexByte(base, '/'); i >= 0 {
			base = base[:i]
		} else {
			base, sep = base[:max(0, strings.LastIndexByte(base, ':'))], ":"
		}
	}
}

// zone is how far away an IP address is.
type zone int

const (
	loopback zone = iota // this machine, and what is linked to it: there clouds have their metadata
	private              // of a network that the internet does not route
	public
)

var sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598: carriers' and overlay networks' own

func zoneOf(ip netip.Addr) zone {
	ip = ip.Unmap()
	switch {
	case ip.IsLoopback() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast():
		return loopback
	case ip.IsPrivate() || sharedSpace.Contains(ip):
		return private
	}
	return public
}
