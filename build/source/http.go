package source

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAdvertised is what a server may tell of its branches and tags: a million of them.
const maxAdvertised = 64 << 20

// httpConn speaks git's smart protocol over http and https. Each question is a request of its own.
type httpConn struct {
	client *http.Client
	base   *url.URL // of the repository, where redirects ended
	user   *url.Userinfo
	body   io.ReadCloser // of the advertisement
}

// statusError is an answer that is not 200.
type statusError struct {
	code int
	text string // what a server said in plain text, cut
}

func (e *statusError) Error() string { return fmt.Sprintf("HTTP status %d %s", e.code, e.text) }

// notGitError is an answer of something that is no git server.
type notGitError struct{ kind string }

func (e *notGitError) Error() string { return "an answer of the type " + e.kind }

// dialHTTP goes through the operator's proxy all the way, redirects too, or not at all: it is the proxy that decides then.
func (f *Fetcher) dialHTTP(ctx context.Context, a address, cred *Credential, d *dialer) (*httpConn, error) {
	base, err := url.Parse(a.String())
	if err != nil {
		return nil, err
	}
	c := &httpConn{base: base, user: basic(a, cred)}
	proxy, dial := (*url.URL)(nil), d.dial
	if a.scheme == "https" { // http is for near networks alone
		if proxy, err = f.proxy(&http.Request{URL: base}); err != nil {
			return nil, err
		}
	}
	if proxy != nil {
		dial = (&net.Dialer{Timeout: connectLimit}).DialContext
		d.proxied()
	}
	c.client = &http.Client{CheckRedirect: c.redirect(d), Transport: &http.Transport{
		Proxy: http.ProxyURL(proxy), DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: f.roots},
		TLSHandshakeTimeout: 20 * time.Second, ResponseHeaderTimeout: 2 * time.Minute, DisableCompression: true,
		ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
	}}
	if err := c.discover(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// basic is the credential as hosts want it beside a token: GitHub's applications and GitLab ask for nothing particular,
// Bitbucket for a name of its own.
func basic(a address, cred *Credential) *url.Userinfo {
	if cred == nil || cred.Password == "" {
		return nil
	}
	name := "x-access-token"
	if a.host == "bitbucket.org" {
		name = "x-token-auth"
	}
	return url.UserPassword(name, cred.Password)
}

// redirect lets the first question alone be led elsewhere, never to an unencrypted server, and without the credential
// when it is another one's.
func (c *httpConn) redirect(d *dialer) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		first := via[0].URL
		switch {
		case req.Method != http.MethodGet || len(via) > 5:
			return errors.New("the server redirects where git does not follow")
		case req.URL.Scheme != "https" && req.URL.Scheme != first.Scheme:
			return errors.New("the server redirects from https to " + req.URL.Scheme)
		case !strings.HasSuffix(req.URL.Path, "/info/refs"):
			return &notGitError{"a redirect to another page"}
		}
		req.URL.User = nil
		if !strings.EqualFold(req.URL.Host, first.Host) {
			d.stay()
			req.Header.Del("Authorization")
			c.user = nil
		}
		return nil
	}
}

func (c *httpConn) discover(ctx context.Context) error {
	req, err := c.request(ctx, http.MethodGet, c.base.JoinPath("info/refs"), nil)
	if err != nil {
		return err
	}
	req.URL.RawQuery = "service=git-upload-pack"
	resp, err := c.do(req, "application/x-git-upload-pack-advertisement")
	if err != nil {
		return err
	}
	at := *resp.Request.URL
	at.RawQuery, at.RawPath, at.Path = "", strings.TrimSuffix(at.RawPath, "/info/refs"), strings.TrimSuffix(at.Path, "/info/refs")
	c.base, c.body = &at, resp.Body
	return nil
}

func (c *httpConn) request(ctx context.Context, method string, u *url.URL, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "git/"+agent) // some hosts show people a page unless it begins with git/
	req.Header.Set("Git-Protocol", "version=2")
	if password, ok := c.user.Password(); ok {
		req.SetBasicAuth(c.user.Username(), password)
	}
	return req, nil
}

// do wants an answer of that type.
func (c *httpConn) do(req *http.Request, kind string) (*http.Response, error) {
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, err
	}
	got, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode == http.StatusOK && got == kind {
		return resp, nil
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil, &notGitError{fmt.Sprintf("%q", got)}
	}
	said := ""
	if got == "text/plain" {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxSaid))
		said = string(text)
	}
	return nil, &statusError{resp.StatusCode, said}
}

func (c *httpConn) advertisement() io.Reader { return io.LimitReader(c.body, maxAdvertised) }

func (c *httpConn) ask(ctx context.Context, question []byte) (io.ReadCloser, error) {
	_, _ = io.Copy(io.Discard, io.LimitReader(c.body, 4<<10)) // so that the connection serves again
	c.body.Close()
	req, err := c.request(ctx, http.MethodPost, c.base.JoinPath("git-upload-pack"), question)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
	req.Header.Set("Accept", "application/x-git-upload-pack-result")
	resp, err := c.do(req, "application/x-git-upload-pack-result")
	if err != nil {
		return nil, err
	}
	c.body = resp.Body
	return resp.Body, nil
}

func (c *httpConn) Close() error {
	if c.body != nil {
		c.body.Close()
	}
	c.client.CloseIdleConnections()
	return nil
}
