package proxy

import (
	"slices"
	"strings"
	"testing"
)

// TestAbuse_HeadersOfOneConnectionStayThere sends headers that concern the client's connection alone, that claim what the Proxy
// alone may say, or that name in Connection what the instance needs. What the instance gets is the same on each way.
func TestAbuse_HeadersOfOneConnectionStayThere(t *testing.T) {
	const told = "x-forwarded-for: 127.0.0.1|x-forwarded-proto: http|x-request-id: my-id"
	for name, c := range map[string]struct{ sent, want string }{
		"Connection names what the Proxy says": {
			"Connection: close, X-Forwarded-For, X-Forwarded-Proto, Host\r\n", told},
		"Connection names the body's length": {
			"Connection: close, Content-Length, Transfer-Encoding\r\n", told},
		"Connection names in several lines": {
			"Connection: X-One\r\nX-One: 1\r\nX-Two: 2\r\nConnection: x-two, CLOSE\r\nX-Three: 3\r\n", told + "|x-three: 3"},
		"Connection names a header twice, and one of them in other letters": {
			"Connection: close, X-ONE, x-one\r\nX-One: 1\r\nx-ONE: 2\r\n", told},
		"hop-by-hop headers": {
			"Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nProxy-Authorization: Basic YTpi\r\n", told},
		"claims of a proxy": {
			"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Ssl: on\r\nForwarded: for=1.2.3.4\r\n", told},
		"claims in disguise": {
			"X_Forwarded_For: 1.2.3.4\r\nX-Forwarded_Proto: https\r\nX_Request_Id: x\r\nContent_Length: 9\r\nTransfer_Encoding: chunked\r\nForwarded_: for=1.2.3.4\r\n", "forwarded_: for=1.2.3.4|" + told},
		"what is nobody's business": {
			"Cookie: a=b\r\nCookie: c=d\r\nAuthorization: Basic YTpi\r\nX-Empty:\r\nAccept-Encoding: gzip\r\n", "accept-encoding: gzip|authorization: Basic YTpi|cookie: a=b|cookie: c=d|x-empty:|" + told},
	} {
		eachWay(t, func(t *testing.T, via way) {
			s := newScene(t, via)
			s.send(t, "POST /a?b HTTP/1.1\r\n"+host+"X-Request-Id: my-id\r\n"+c.sent+length(5)+"\r\n12345"+last)
			if strings.Contains(strings.ToLower(c.sent), "close") {
				last := s.got()
				if len(last) != 1 {
					t.Fatalf("%s: the instance got %q", name, last)
				}
			}
			head, rest, _ := strings.Cut(string(s.got()[0]), "\r\n\r\n")
			lines := strings.Split(head, "\r\n")
			if !slices.Contains(lines, "Host: web.test") || !slices.Contains(lines, "Content-Length: 5") || !strings.HasPrefix(rest, "12345") {
				t.Errorf("%s: the instance got:\n%s", name, s.got())
			}
			if got := fields(lines[1:]); got != c.want || lines[0] != "POST /a?b HTTP/1.1" {
				t.Errorf("%s: the instance got\n%s, want\n%s", name, got, c.want)
			}
		})
	}
}

// fields are header lines with their names in small letters, in order, without what frames and routes.
func fields(lines []string) string {
	var list []string
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		if name = strings.ToLower(name); name != "host" && name != "content-length" {
			list = append(list, strings.TrimSpace(name+": "+strings.TrimSpace(value)))
		}
	}
	slices.Sort(list)
	return strings.Join(list, "|")
}
