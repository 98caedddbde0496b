package source

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestZone_SaysHowNearAnAddressIs(t *testing.T) {
	for addr, want := range map[string]zone{
		"127.0.0.1": loopback, "127.9.9.9": loopback, "::1": loopback, "::ffff:127.0.0.1": loopback, "0.0.0.0": loopback, "::": loopback,
		"169.254.169.254": loopback, "fe80::1": loopback, "224.0.0.1": loopback,
		"10.0.0.1": private, "172.16.0.1": private, "192.168.1.1": private, "fd00::1": private, "100.64.0.1": private,
		"192.0.2.1": public, "2001:db8::1": public, "172.32.0.1": public,
	} {
		if got := zoneOf(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is in zone %d, want %d", addr, got, want)
		}
	}
}

// TestFetch_ReadsFromThisMachineWhatTheOperatorNamed, whichever way a service or a redirect gets there.
func TestFetch_ReadsFromThisMachineWhatTheOperatorNamed(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	r.commit("first", "a", "1")
	named, other := serveGit(t, dir, true), serveGit(t, dir, true)
	at := strings.TrimPrefix(named.URL, "https://")
	_, port, _ := net.SplitHostPort(at)
	const refusal = "--loopback-hosts"
	f := newFetcher(t, Config{Loopback: []string{at}}, named, other)
	fetch(t, f, Remote{URL: named.URL + "/web/.git", Branch: "main"})
	for _, url := range []string{
		other.URL + "/web/.git", "http://" + strings.TrimPrefix(other.URL, "https://") + "/web", "https://localhost:" + port + "/web/.git", "https://[::]:" + port + "/web",
		"https://0.0.0.0:" + port + "/web", "https://169.254.169.254/latest/meta-data", "ssh://git@127.0.0.1/web", "git@localhost:web",
	} {
		_, err := f.Head(t.Context(), Remote{URL: url, Branch: "main"})
		refused(t, err, "is not fetched: it has the address", refusal)
	}
	named.override = func(w http.ResponseWriter, req *http.Request) bool {
		http.Redirect(w, req, other.URL+req.URL.String(), http.StatusFound)
		return true
	}
	_, err := f.Head(t.Context(), Remote{URL: named.URL + "/web/.git", Branch: "main"})
	refused(t, err, refusal)
	if n := other.asked.Load(); n > 0 {
		t.Errorf("a server that nobody named was asked %d times", n)
	}
}

// tunnel is a proxy that leads each host where the test says.
type tunnel struct {
	*httptest.Server
	to map[string]string

	mu    sync.Mutex
	asked []string
}

func newTunnel(t *testing.T, to map[string]string) *tunnel {
	p := &tunnel{to: to}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		p.mu.Lock()
		p.asked = append(p.asked, req.Method+" "+req.Host)
		p.mu.Unlock()
		out, err := net.Dial("tcp", p.to[req.Host])
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer out.Close()
		w.WriteHeader(http.StatusOK)
		in, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer in.Close()
		go func() { _, _ = io.Copy(out, buffered); out.Close() }()
		_, _ = io.Copy(in, out)
	}))
	t.Cleanup(p.Close)
	return p
}

// TestFetch_ThroughAProxyStaysWithIt: it is the proxy that decides what may be reached, so neither a redirect nor a submodule
// goes past it to what is near here.
func TestFetch_ThroughAProxyStaysWithIt(t *testing.T) {
	dir := t.TempDir()
	sub := newRepo(t, dir, "sub")
	sub.commit("first", "secret", "1")
	inner := serveGit(t, dir, true) // reached without the proxy
	r := withSubmodule(t, t.TempDir(), "web", sub, inner.URL+"/sub/.git")
	plain := newRepo(t, filepath.Dir(r.dir), "plain")
	plain.commit("first", "a", "1")
	outer := serveGit(t, filepath.Dir(r.dir), true)
	proxy := newTunnel(t, map[string]string{"example.com:443": strings.TrimPrefix(outer.URL, "https://")})
	f := newFetcher(t, Config{}, inner, outer)
	f.proxy = func(req *http.Request) (*url.URL, error) {
		if req.URL.Hostname() == "example.com" {
			return url.Parse(proxy.URL)
		}
		return nil, nil
	}
	if c := fetch(t, f, Remote{URL: "https://example.com/plain/.git", Branch: "main"}); read(t, c, "a") != "1" {
		t.Error("the file is missing")
	}
	_, err := f.Fetch(t.Context(), "other", Remote{URL: "https://example.com/web/.git", Branch: "main"})
	refused(t, err, "the submodule lib", "must not make apron read")
	_, err = f.Head(t.Context(), Remote{URL: "http://192.0.2.1/web", Branch: "main"})
	refused(t, err, "use https")
	outer.override = func(w http.ResponseWriter, req *http.Request) bool {
		http.Redirect(w, req, inner.URL+"/sub/.git/info/refs", http.StatusFound)
		return true
	}
	if _, err = f.Head(t.Context(), Remote{URL: "https://example.com/plain/.git", Branch: "main"}); err == nil {
		t.Error("a redirect went past the proxy")
	}
	if n := inner.asked.Load(); n > 0 {
		t.Errorf("the near server was asked %d times", n)
	}
	proxy.mu.Lock()
	defer proxy.mu.Unlock()
	if last := proxy.asked[len(proxy.asked)-1]; last != "CONNECT "+strings.TrimPrefix(inner.URL, "https://") {
		t.Errorf("the proxy was asked last for %q", last)
	}
}
