package image_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"apron/image"
	"apron/image/imagetest"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// tokenRegistry is a registry as the large ones are: TLS, a token from another address for user name and password, and
// blobs behind a redirect to a storage host with a signed URL.
func tokenRegistry(t *testing.T) *httptest.Server {
	t.Helper()
	store := open(t, t.TempDir(), nil).Registry()
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "" || req.URL.RawQuery != "sig=S" {
			t.Errorf("the storage was shown %q and %q", req.Header.Get("Authorization"), req.URL.RawQuery)
		}
		store.ServeHTTP(w, req)
	}))
	t.Cleanup(storage.Close)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		user, password, _ := req.BasicAuth()
		switch {
		case req.URL.Path == "/token" && user == "me" && password == "hunter2":
			fmt.Fprint(w, `{"token":"t0ken"}`)
		case req.Header.Get("Authorization") != "Bearer t0ken":
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://example.com/token",service="example.com"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}`, http.StatusUnauthorized)
		case req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/blobs/sha256:"):
			// The name, not the number: a redirect from a public name to a private number is refused.
			http.Redirect(w, req, "http://storage.test"+req.URL.Path+"?sig=S", http.StatusTemporaryRedirect)
		default:
			store.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(srv.Close)
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		to := srv.Listener.Addr().String()
		if addr == "storage.test:80" {
			to = storage.Listener.Addr().String()
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}
	srv.Client().Transport.(*http.Transport).DialContext = dial
	return srv
}

func TestPull_OverTLSWithATokenAndARedirect(t *testing.T) {
	srv := tokenRegistry(t)
	transport := srv.Client().Transport
	ref, err := name.ParseReference("example.com/web:v1") // the name in the test server's certificate
	if err != nil {
		t.Fatal(err)
	}
	img := imagetest.Static(t, map[string][]byte{"/app": []byte("x")}, v1.Config{})
	if err := remote.Write(ref, img, remote.WithTransport(transport), remote.WithAuth(&authn.Basic{Username: "me", Password: "hunter2"})); err != nil {
		t.Fatal(err)
	}
	s := open(t, t.TempDir(), func(c *image.Config) { c.Transport = transport })
	want, _ := img.Digest()
	if got, err := s.Pull(t.Context(), "example.com/web:v1", &image.Auth{Username: "me", Password: "hunter2"}); err != nil || got != want.String() {
		t.Errorf("pulled %s, %v, want %s", got, err, want)
	}
	_, err = s.Pull(t.Context(), "example.com/web:v1", &image.Auth{Username: "me", Password: "wrong-pw"})
	if _, ok := errors.AsType[*image.AuthError](err); !ok || strings.Contains(err.Error(), "wrong-pw") {
		t.Errorf("with a wrong password: %v", err)
	}
}

func TestPull_AnUntrustedCertificateIsNamed(t *testing.T) {
	srv := tokenRegistry(t)
	transport := srv.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig = new(tls.Config)
	s := open(t, t.TempDir(), func(c *image.Config) { c.Transport = transport })
	_, err := s.Pull(t.Context(), "example.com/web:v1", nil)
	if _, ok := errors.AsType[*image.UnreachableError](err); !ok || !strings.Contains(err.Error(), "add its CA to this machine") {
		t.Errorf("error is %v", err)
	}
}
