package source

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

func TestHead_SaysWhatIsWrongAndWhatToDo(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	r.commit("first", "a", "1")
	for _, b := range []string{"master", "develop", "feature/a", "feature/b", "feature/c", "x"} {
		r.git("branch", b)
	}
	newRepo(t, dir, "empty")
	open, locked, secure := serveGit(t, dir, false), serveGit(t, dir, false), serveGit(t, dir, true)
	locked.login = "x-access-token:right"
	page := serveGit(t, dir, false)
	page.override = func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, "<html>"); return true }
	broken := serveGit(t, dir, false)
	broken.override = func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "out of order\x1b[31m", http.StatusServiceUnavailable)
		return true
	}
	newer := repo{t, filepath.Join(dir, "newer")}
	r.git("init", "-q", "--object-format=sha256", "-b", "main", newer.dir)
	newer.commit("first", "a", "1")
	const down = "http://127.0.0.1:1" // a port of the system, which nobody is given
	f := newFetcher(t, Config{})      // which trusts no server's certificate
	for name, c := range map[string]struct {
		r     Remote
		words []string
	}{
		"no such branch":          {Remote{URL: open.URL + "/web/.git", Branch: "mster"}, []string{"no branch mster; it has master", "and 2 more"}},
		"an empty repository":     {Remote{URL: open.URL + "/empty/.git", Branch: "main"}, []string{"no branch main", "empty", "push a commit"}},
		"no repository":           {Remote{URL: open.URL + "/none", Branch: "main"}, []string{"there is no repository", "connection"}},
		"a credential is wanted":  {Remote{URL: locked.URL + "/web/.git", Branch: "main"}, []string{"wants a credential", "apron connection authorize"}},
		"a credential is refused": {Remote{URL: locked.URL + "/web/.git", Branch: "main", Credential: &Credential{Password: "s3cret"}}, []string{"refuses the connection's credential", "apron connection authorize"}},
		"an unknown authority":    {Remote{URL: secure.URL + "/web/.git", Branch: "main"}, []string{"TLS certificate of 127.0.0.1 is not trusted"}},
		"no TLS":                  {Remote{URL: strings.Replace(open.URL, "http:", "https:", 1) + "/web", Branch: "main"}, []string{"does not speak TLS"}},
		"a page":                  {Remote{URL: page.URL + "/web", Branch: "main"}, []string{"is not a git repository", "text/html"}},
		"a server in trouble":     {Remote{URL: broken.URL + "/web", Branch: "main"}, []string{"503 out of order", "try again later"}},
		"nobody there":            {Remote{URL: down + "/web", Branch: "main"}, []string{"nothing listens on 127.0.0.1:"}},
		"http to everywhere":      {Remote{URL: "http://192.0.2.1/web", Branch: "main"}, []string{"192.0.2.1", "use https"}},
		"SHA-256":                 {Remote{URL: open.URL + "/newer/.git", Branch: "main"}, []string{"SHA-256", "SHA-1"}},
		"no name of a branch":     {Remote{URL: open.URL + "/web/.git", Branch: "a\nb"}, []string{"no branch can be called"}},
		"an unknown host":         {Remote{URL: "https://nowhere.invalid/web", Branch: "main"}, []string{"nowhere.invalid"}},
		"a credential in the URL": {Remote{URL: "https://me:s3cret@example.com/web", Branch: "main"}, []string{"credential in it", "apron connection authorize"}},
		"a token in the URL":      {Remote{URL: "https://s3cret@example.com/web", Branch: "main"}, []string{"credential in it"}},
		"files":                   {Remote{URL: "file://" + dir + "/web", Branch: "main"}, []string{"does not allow", "git push"}},
		"another protocol":        {Remote{URL: "git://example.com/web", Branch: "main"}, []string{`not over "git"`}},
		"no URL":                  {Remote{URL: "web", Branch: "main"}, []string{"is no URL of a repository"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Head(t.Context(), c.r)
			refused(t, err, c.words...)
			if strings.ContainsAny(err.Error(), "\x1b\n") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error is %q", err)
			}
		})
	}
	allowed := newFetcher(t, Config{FileRoots: []string{"/"}})
	_, err := allowed.Head(t.Context(), Remote{URL: "file://" + dir, Branch: "main"})
	refused(t, err, "is no git repository on the machine")
	_, err = allowed.Head(t.Context(), Remote{URL: "file://" + newer.dir, Branch: "main"})
	refused(t, err, "SHA-256")
	_, err = allowed.Head(t.Context(), Remote{URL: "file://" + dir + "/web", Branch: "mian"})
	refused(t, err, "no branch mian; it has main")
}

// A server that repeats what it was told must not bring it into a deployment's log.
func TestErrors_HoldNoCredential(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	r.commit("first", "a", "1")
	s := serveGit(t, dir, false)
	secret := "hunter2hunter2"
	encoded := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + secret))
	answers := map[string]func(w http.ResponseWriter, said string){
		"in a status": func(w http.ResponseWriter, said string) { http.Error(w, said, http.StatusTeapot) },
		"in an ERR":   func(w http.ResponseWriter, said string) { advertise(w, "ERR "+said) },
		"in a ref":    func(w http.ResponseWriter, said string) { advertise(w, said) },
		"in a type": func(w http.ResponseWriter, said string) {
			w.Header().Set("Content-Type", "text/"+said)
			w.WriteHeader(200)
		},
		"in a redirect": func(w http.ResponseWriter, said string) {
			w.Header().Set("Location", "ftp://"+said+"/info/refs")
			w.WriteHeader(http.StatusFound)
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			s.override = func(w http.ResponseWriter, req *http.Request) bool {
				_, password, _ := req.BasicAuth()
				answer(w, password+strings.TrimPrefix(req.Header.Get("Authorization"), "Basic "))
				return true
			}
			var log bytes.Buffer
			f := newFetcher(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
			_, err := f.Fetch(t.Context(), "service", Remote{URL: s.URL + "/web/.git", Branch: "main", Credential: &Credential{Password: secret}})
			if err == nil {
				t.Fatal("nothing was refused")
			}
			for _, text := range []string{err.Error(), log.String()} {
				if strings.Contains(text, secret) || strings.Contains(text, encoded) {
					t.Errorf("%q has the credential", text)
				}
			}
		})
	}
}

func advertise(w http.ResponseWriter, line string) {
	w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
	fmt.Fprintf(w, "%04x%s", len(line)+4, line)
}

func TestFetch_SurvivesAPanicOfAParser(t *testing.T) {
	f := newFetcher(t, Config{FileRoots: []string{"/"}, Local: func(string, string) (string, bool) { panic("a fault") }})
	for range 2 { // which leaves nothing locked
		if _, err := f.Fetch(t.Context(), "service", Remote{URL: "https://example.com/a", Branch: "main"}); err == nil || !strings.Contains(err.Error(), "a fault") {
			t.Fatalf("got %v", err)
		}
	}
}

func TestHTTP_FollowsARedirectWithoutTheCredential(t *testing.T) {
	dir := t.TempDir()
	r := newRepo(t, dir, "web")
	head := r.commit("first", "a", "1")
	theirs := serveGit(t, dir, true)
	theirs.override = func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Header.Get("Authorization") != "" {
			t.Errorf("%s was shown %s", req.URL, req.Header.Get("Authorization"))
		}
		return false
	}
	ours := serveGit(t, dir, true)
	to := theirs.URL
	ours.override = func(w http.ResponseWriter, req *http.Request) bool {
		http.Redirect(w, req, to+req.URL.String(), http.StatusMovedPermanently)
		return true
	}
	f := newFetcher(t, Config{}, theirs, ours)
	remote := Remote{URL: ours.URL + "/web/.git", Branch: "main", Credential: &Credential{Password: "hunter2"}}
	if c := fetch(t, f, remote); c.Commit.ID != head {
		t.Errorf("got %+v", c.Commit)
	}
	to = serveGit(t, dir, false).URL
	_, err := f.Head(t.Context(), remote)
	refused(t, err, "redirects from https to http")
}

func TestParseAddress_ReadsWhatGitReads(t *testing.T) {
	for raw, want := range map[string]address{
		"https://Host/a/b.git":     {scheme: "https", host: "host", port: "443", path: "/a/b.git"},
		"http://[::1]:80/a":        {scheme: "http", host: "::1", port: "80", path: "/a"},
		"ssh://host:2222/a":        {scheme: "ssh", user: "git", host: "host", port: "2222", path: "/a"},
		"ssh://me@host/~you/a":     {scheme: "ssh", user: "me", host: "host", port: "22", path: "~you/a"},
		"git@host:a/b":             {scheme: "ssh", user: "git", host: "host", port: "22", path: "a/b", scp: true},
		"host:a":                   {scheme: "ssh", user: "git", host: "host", port: "22", path: "a", scp: true},
		"git@[fe80::1]:a":          {scheme: "ssh", user: "git", host: "fe80::1", port: "22", path: "a", scp: true},
		"file:///srv/a%20b":        {scheme: "file", path: "/srv/a b"},
		"https://host/a%2Fb/c":     {scheme: "https", host: "host", port: "443", path: "/a%2Fb/c"},
		"https://bücher.example/a": {scheme: "https", host: "bücher.example", port: "443", path: "/a"},
		"https://host:8443/a/b":    {scheme: "https", host: "host", port: "8443", path: "/a/b"},
	} {
		want.raw = raw
		if got, err := parseAddress(raw); err != nil || got != want {
			t.Errorf("%s is %+v, %v", raw, got, err)
		}
		if host, err := Host(raw); err != nil || host != want.host {
			t.Errorf("the host of %s is %q, %v", raw, host, err)
		}
	}
	for _, raw := range []string{"", "a b", "https://", "https:///a", "https://host", "ssh://-x/a", "git@host:-a", "/srv/a", "./a:b", "file://other/a", "https://host\n/a", "%", "https://host/a?token=1", "file:///a#b",
		"ssh://[2001:db8::1%25,github.com,]/a", "git@[2001:db8::1%,github.com,]:a", "ssh://a,github.com/a", "git@a|b:c", "https://[fe80::1%25eth0]/a", "git@*:a"} {
		if a, err := parseAddress(raw); err == nil {
			t.Errorf("%q was taken: %+v", raw, a)
		}
		if host, err := Host(raw); err == nil || host != "" {
			t.Errorf("the host of %q is %q, %v", raw, host, err)
		}
	}
}

// TestErrors_OfAnExpiredCertificate_AreTheSameEachTime: who looks again and again tells what is news alone.
func TestErrors_OfAnExpiredCertificate_AreTheSameEachTime(t *testing.T) {
	at, err := parseAddress("https://git.example/team/web")
	if err != nil {
		t.Fatal(err)
	}
	expired := &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired, Detail: "current time 12:00 is after 11:00"}}
	if got := unreachable(expired, origin{at: at}); !strings.Contains(got, "git.example has expired or is not valid yet; renew it") {
		t.Error(got)
	}
}
