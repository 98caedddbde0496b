package proxy

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func TestHost_ThatMeansTwoThingsReachesNoInstance(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		var arrived atomic.Int64
		e.backend("i1", func(http.ResponseWriter, *http.Request) { arrived.Add(1) })
		e.open("i1")
		for name, head := range map[string]string{
			"two":                "Host: web.test\r\nHost: evil.test\r\n",
			"the same twice":     "Host: web.test\r\nHost: web.test\r\n",
			"none":               "",
			"a list":             "Host: web.test, evil.test\r\n",
			"a user's name":      "Host: web.test@evil.test\r\n",
			"a user before":      "Host: evil.test@web.test\r\n",
			"a port that isn't":  "Host: web.test:x@evil.test\r\n",
			"two ports":          "Host: web.test:80:80\r\n",
			"a signed port":      "Host: web.test:-1\r\n",
			"a path":             "Host: web.test/evil\r\n",
			"a backslash":        "Host: web.test\\evil\r\n",
			"a query":            "Host: web.test?evil\r\n",
			"a fragment":         "Host: web.test#evil\r\n",
			"a space":            "Host: web.test evil.test\r\n",
			"folded":             "Host: web.test\r\n evil.test\r\n",
			"space before colon": "Host : web.test\r\n",
			"quoted":             "Host: \"web.test\"\r\n",
		} {
			got := rawExchange(t, e, "GET / HTTP/1.1\r\n"+head+"Connection: close\r\n\r\n")
			if !strings.HasPrefix(got, "HTTP/1.1 400 ") {
				t.Errorf("%s: answered %q", name, got)
			}
		}
		if n := arrived.Load(); n != 0 {
			t.Errorf("%d arrived", n)
		}
	})
}

// The target's host is the one that counts (RFC 9112, 3.2.2): the instance must not see another.
func TestHost_OfAnAbsoluteTargetIsTheOneTheInstanceSees(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		hosts := make(chan string, 1)
		e.backend("i1", func(_ http.ResponseWriter, r *http.Request) { hosts <- r.Host + " " + r.RequestURI })
		e.open("i1")
		got := rawExchange(t, e, "GET http://web.test/a?b HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 200 ") {
			t.Fatalf("answered %q", got)
		}
		if seen := <-hosts; seen != "web.test /a?b" {
			t.Errorf("the instance saw %q", seen)
		}
		for _, target := range []string{"http://web.test/", "http://user@web.test/", "http://evil.test/"} {
			got := rawExchange(t, e, "GET "+target+" HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n")
			select {
			case seen := <-hosts:
				if seen != "web.test /" {
					t.Errorf("%s: the instance saw %q", target, seen)
				}
			default:
				if !strings.HasPrefix(got, "HTTP/1.1 400 ") && !strings.HasPrefix(got, "HTTP/1.1 404 ") {
					t.Errorf("%s: answered %q", target, got)
				}
			}
		}
	})
}

func TestHopByHopHeaders_CannotTakeOutWhatTheProxySays(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		got := seen(t, via, func(r *http.Request) {
			r.Header.Set("Connection", "close, X-Forwarded-For, X-Forwarded-Proto, X-Request-Id, Host, Authorization")
			r.Header.Set("Authorization", "Bearer t")
			r.Header.Set("Proxy-Connection", "keep-alive")
			r.Header.Set("Te", "gzip")
		})
		if got.Header.Get("X-Forwarded-For") != "127.0.0.1" || got.Header.Get("X-Forwarded-Proto") != "http" ||
			got.Header.Get("X-Request-Id") == "" || got.Host != "web.test" {
			t.Errorf("arrived: %v", got.Header)
		}
		for _, k := range []string{"Authorization", "Proxy-Connection", "Te"} {
			if v, ok := got.Header[k]; ok {
				t.Errorf("arrived: %s: %q", k, v)
			}
		}
	})
}

func TestWellFormedHost_TellsNamesFromOtherTexts(t *testing.T) {
	for _, host := range []string{"a.test", "a.test:80", "a_b.test.", "[::1]", "[::1]:80", "127.0.0.1:8080", "*.test"} {
		if !wellFormedHost(host) {
			t.Errorf("%q is taken for malformed", host)
		}
	}
	for _, host := range []string{"", ":80", "a:b", "a:1:2", "a@b", "a/b", "a b", "a,b", "[::1", "[::1]x", "[]", "ä", "a\x00"} {
		if wellFormedHost(host) {
			t.Errorf("%q is taken for a host", host)
		}
	}
}
