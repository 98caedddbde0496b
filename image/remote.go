package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Auth is what to show to a registry: user name and password (or access token in the password's place), or a bearer token.
type Auth struct {
	Username string
	Password string
	Token    string
}

func (a *Auth) authenticator() authn.Authenticator {
	if a == nil {
		return authn.Anonymous
	}
	return authn.FromConfig(authn.AuthConfig{Username: a.Username, Password: a.Password, RegistryToken: a.Token})
}

// maxManifest is the registry specification's least that every registry must take, and the most that most take.
const maxManifest = 4 << 20

// source is where a pull gets manifests and blobs from.
type source interface {
	// manifest returns the manifest with that digest, or with an empty digest the one that the reference names.
	manifest(ctx context.Context, d digest) ([]byte, error)
	// blob opens a blob at offset. at is where the answer really begins: offset, or 0 if the registry cannot resume.
	blob(ctx context.Context, d digest, offset int64) (body io.ReadCloser, at int64, err error)
}

// remoteSource is one repository of a registry, authenticated once.
type remoteSource struct {
	ref    name.Reference
	rt     http.RoundTripper
	client *http.Client
}

func (s *Store) openRemote(ctx context.Context, ref name.Reference, auth *Auth) (*remoteSource, error) {
	retrying := transport.NewRetry(limitManifests{s.cfg.Transport},
		transport.WithRetryBackoff(transport.Backoff{Duration: s.cfg.Backoff, Factor: 2, Jitter: 0.2, Steps: s.cfg.Retries + 1}),
		transport.WithRetryPredicate(retryRequest))
	repo := ref.Context()
	rt, err := transport.NewWithContext(ctx, repo.Registry, auth.authenticator(), retrying, []string{repo.Scope(transport.PullScope)})
	if err != nil {
		return nil, err
	}
	return &remoteSource{ref: ref, rt: rt, client: &http.Client{Transport: rt, CheckRedirect: checkRedirect}}, nil
}

// retryRequest does not retry what a further attempt cannot cure: an untrusted certificate, TLS spoken to a plain server.
func retryRequest(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return false
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	if t, ok := err.(interface{ Temporary() bool }); ok && t.Temporary() {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func (r *remoteSource) manifest(ctx context.Context, d digest) ([]byte, error) {
	ref := r.ref
	if d != "" {
		ref = r.ref.Context().Digest(string(d))
	}
	desc, err := remote.Get(ref, remote.WithContext(ctx), remote.WithTransport(r.rt))
	if err != nil {
		return nil, err
	}
	return desc.Manifest, nil
}

func (r *remoteSource) blob(ctx context.Context, d digest, offset int64) (io.ReadCloser, int64, error) {
	repo := r.ref.Context()
	u := url.URL{Scheme: repo.Scheme(), Host: repo.RegistryStr(), Path: "/v2/" + repo.RepositoryStr() + "/blobs/" + string(d)}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, 0, err
	}
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	if err := transport.CheckError(resp, http.StatusOK, http.StatusPartialContent); err != nil {
		resp.Body.Close()
		return nil, 0, err
	}
	if resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", offset)) {
		return resp.Body, offset, nil
	}
	if resp.StatusCode == http.StatusPartialContent {
		resp.Body.Close()
		return nil, 0, invalid("its registry answered a request for a range with another range")
	}
	return resp.Body, 0, nil
}

// checkRedirect lets a public registry hand out blobs elsewhere, but not from this machine's own network: a hostile
// registry could otherwise have us ask the cloud's metadata service.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("the registry redirects in circles")
	}
	from, to := via[0].URL.Hostname(), req.URL.Hostname()
	if from == to || !isInside(to) || isInside(from) {
		return nil
	}
	return fmt.Errorf("the registry %s redirects to the private address %s, which is refused", from, to)
}

func isInside(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified())
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       30 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		DisableCompression:    true, // a digest is of the bytes as stored
	}
}

// limitManifests ends the body of a manifest that is larger than any registry would take.
type limitManifests struct{ next http.RoundTripper }

func (l limitManifests) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(req)
	if err == nil && strings.HasSuffix(path.Dir(req.URL.Path), "/manifests") {
		resp.Body = &limitedBody{ReadCloser: resp.Body, left: maxManifest}
	}
	return resp, err
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, tooLarge("manifest", maxManifest, "bytes")
	}
	return n, err
}
