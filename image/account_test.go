package image_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"apron/image"
	"apron/image/imagetest"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/crane"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	ours   = "111111111111" // the account that the directory belongs to
	theirs = "222222222222"
)

// logins are users and what each may do; the password of all is hunter2.
type logins map[string]image.Access

func (l logins) check(_ context.Context, user, password string) (image.Access, bool, error) {
	access, ok := l[user]
	return access, ok && password == "hunter2", nil
}

// shared is a store with two accounts behind one registry.
type shared struct {
	store *image.Store
	dir   string
	host  string
}

func newShared(t *testing.T, change func(*image.Config)) shared {
	s := shared{dir: t.TempDir()}
	srv := httptest.NewUnstartedServer(nil)
	s.host = srv.Listener.Addr().String()
	s.store = open(t, s.dir, func(c *image.Config) {
		c.Owner, c.LocalHosts = ours, []string{s.host}
		c.IsAccount = func(_ context.Context, id string) (bool, error) { return id == ours || id == theirs, nil }
		if change != nil {
			change(c)
		}
	})
	srv.Config.Handler = s.store.BasicAuth(logins{
		"ours": {Account: ours}, "theirs": {Account: theirs}, "reader": {Account: theirs, ReadOnly: true},
	}.check)
	srv.Start()
	t.Cleanup(srv.Close)
	return s
}

// as logs in to the registry.
func (s shared) as(user string) crane.Option {
	return crane.WithAuth(&authn.Basic{Username: user, Password: "hunter2"})
}

// push pushes an image that no other push has.
func (s shared) push(t *testing.T, user, name string) (digest string) {
	img := imagetest.Static(t, map[string][]byte{"/app": []byte(user + name)}, v1.Config{User: user})
	return imagetest.Push(t, img, s.host+"/"+name, &authn.Basic{Username: user, Password: "hunter2"})
}

// do sends one request as the user.
func (s shared) do(t *testing.T, user, method, path string, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.host+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, "hunter2")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

func TestAccounts_TheSameNameIsTwoRepositories(t *testing.T) {
	s := newShared(t, nil)
	digests := map[string]string{ours: s.push(t, "ours", "web:1"), theirs: s.push(t, "theirs", "web:1")}
	users := map[string]string{ours: "ours", theirs: "theirs"}
	for account, want := range digests {
		if got, err := crane.Digest(s.host+"/web:1", s.as(users[account])); err != nil || got != want {
			t.Errorf("the registry gives %s %s, %v; want %s", users[account], got, err, want)
		}
		for _, ref := range []string{s.host + "/web:1", "web:1", account + ".dkr.ecr.us-east-1.amazonaws.com/web:1", "999999999999.dkr.ecr.us-east-1.amazonaws.com/web:1"} {
			if got, err := s.store.Account(account).Pull(t.Context(), ref, nil); err != nil || got != want {
				t.Errorf("%s pulls %s as %s, %v; want %s", users[account], ref, got, err, want)
			}
		}
	}
}

func TestAccounts_SeeNothingOfEachOther(t *testing.T) {
	s := newShared(t, nil)
	for owner, other := range map[string]string{"ours": "theirs", "theirs": "ours"} {
		name := "secret-of-" + owner
		digest := s.push(t, owner, name+":1")
		layer := layerOf(t, s, owner, name)
		if repos, err := crane.Catalog(s.host, s.as(other)); err != nil || slices.Contains(repos, name) {
			t.Errorf("%s lists %v, %v", other, repos, err)
		}
		for _, path := range []string{"/tags/list", "/manifests/1", "/manifests/" + digest, "/blobs/" + layer, "/referrers/" + digest} {
			if got := s.do(t, other, "GET", "/v2/"+name+path, ""); got.StatusCode != 404 && !strings.HasPrefix(path, "/referrers/") {
				t.Errorf("%s gets %s: %s", other, path, got.Status)
			}
		}
		for _, path := range []string{"/manifests/1", "/manifests/" + digest, "/blobs/" + layer} {
			if got := s.do(t, other, "DELETE", "/v2/"+name+path, ""); got.StatusCode != 404 {
				t.Errorf("%s deletes %s: %s", other, path, got.Status)
			}
		}
		// A mount of what the account does not have becomes an upload.
		if got := s.do(t, other, "POST", "/v2/mine/blobs/uploads/?mount="+layer+"&from="+name, ""); got.StatusCode != 202 {
			t.Errorf("%s mounts: %s", other, got.Status)
		}
		if repos, err := crane.Catalog(s.host, s.as(owner)); err != nil || !slices.Equal(repos, []string{name}) {
			t.Errorf("%s lists %v, %v", owner, repos, err)
		}
	}
}

// layerOf is the digest of the one layer of an image in the registry.
func layerOf(t *testing.T, s shared, user, name string) string {
	t.Helper()
	img, err := crane.Pull(s.host+"/"+name+":1", s.as(user))
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatal(layers, err)
	}
	d, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

func TestAccounts_KeepTheirUploadsApart(t *testing.T) {
	s := newShared(t, nil)
	begun := s.do(t, "ours", "POST", "/v2/web/blobs/uploads/", "")
	at := begun.Header.Get("Location")
	at = at[strings.Index(at, "/v2/"):]
	for _, method := range []string{"PATCH", "GET", "DELETE"} {
		if got := s.do(t, "theirs", method, at, "x"); got.StatusCode != 404 {
			t.Errorf("another account's %s: %s", method, got.Status)
		}
	}
	if got := s.do(t, "ours", "DELETE", at, ""); got.StatusCode != 204 {
		t.Errorf("its own DELETE: %s", got.Status)
	}
}

func TestAccounts_ADigestIsNoLeaveToPull(t *testing.T) {
	out := remoteRegistry(t)
	s := newShared(t, func(c *image.Config) { c.Retries = 1 })
	digest := s.push(t, "ours", "web:1")
	private := out + "/private@" + imagetest.Push(t, imagetest.Static(t, nil, v1.Config{User: "private"}), out+"/private:1", nil)
	for _, ref := range []string{s.host + "/web@" + digest, private} {
		if _, err := s.store.Pull(t.Context(), ref, nil); err != nil {
			t.Fatal(err)
		}
	}
	// An image that is here, under a name that leads nowhere for the other account.
	for _, ref := range []string{s.host + "/web@" + digest, s.host + "/any@" + digest, out + "/any@" + digest, out + "/gone@" + private[strings.Index(private, "@")+1:]} {
		if _, err := s.store.Account(theirs).Pull(t.Context(), ref, nil); err == nil {
			t.Errorf("another account has pulled %s", ref)
		}
	}
	if _, err := s.store.Account(theirs).Pull(t.Context(), private, nil); err != nil {
		t.Errorf("with the registry's leave: %v", err)
	}
}

func TestPull_AnAccountAsksOnceForADigest(t *testing.T) {
	u := newUpstream(t)
	var gone, asked atomic.Bool
	u.before = func(w http.ResponseWriter, req *http.Request) bool {
		if gone.Load() {
			asked.Store(true)
			http.NotFound(w, req)
		}
		return gone.Load()
	}
	ref := u.host + "/web@" + imagetest.Push(t, imagetest.Static(t, nil, v1.Config{}), u.host+"/web:1", nil)
	s := newShared(t, func(c *image.Config) { c.Retries = 1 })
	pull := func(account string) error {
		_, err := s.store.Account(account).Pull(t.Context(), ref, nil)
		return err
	}
	if err := errors.Join(pull(ours), pull(theirs)); err != nil {
		t.Fatal(err)
	}
	gone.Store(true)
	if err := errors.Join(pull(ours), pull(theirs)); err != nil || asked.Load() {
		t.Errorf("again: asked %v, %v", asked.Load(), err)
	}
	if err := pull("333333333333"); err == nil || !asked.Load() {
		t.Errorf("an account that never asked: asked %v, %v", asked.Load(), err)
	}
}

func TestAccounts_AnothersECRNameIsNotInTheRegistry(t *testing.T) {
	out := remoteRegistry(t)
	s := newShared(t, func(c *image.Config) {
		c.Map = map[string]string{ours + ".dkr.ecr.us-east-1.amazonaws.com": out + "/aws"}
	})
	s.push(t, "ours", "web:1")
	s.push(t, "theirs", "web:1")
	want := imagetest.Push(t, imagetest.Static(t, nil, v1.Config{User: "aws"}), out+"/aws/web:1", nil)
	if got, err := s.store.Account(theirs).Resolve(t.Context(), ours+".dkr.ecr.us-east-1.amazonaws.com/web:1", nil); err != nil || got != want {
		t.Errorf("led to %s, %v; want what stands in AWS's place, %s", got, err, want)
	}
}

func TestAccounts_ALayerSaidToBeElsewhereIsNotTakenFromAnother(t *testing.T) {
	s := newShared(t, nil)
	s.push(t, "ours", "web:1")
	layer := layerOf(t, s, "ours", "web")
	config := `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["` + layer + `"]}}`
	if got := s.do(t, "theirs", "POST", "/v2/thief/blobs/uploads/?digest="+sum([]byte(config)), config); got.StatusCode != 201 {
		t.Fatal(got.Status)
	}
	const oci = "application/vnd.oci.image.manifest.v1+json"
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":%d,"digest":%q},`+
		`"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":1,"digest":%q,"urls":["http://elsewhere.invalid"]}]}`,
		oci, len(config), sum([]byte(config)), layer)
	req, err := http.NewRequestWithContext(t.Context(), "PUT", "http://"+s.host+"/v2/thief/manifests/1", strings.NewReader(manifest))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", oci)
	req.SetBasicAuth("theirs", "hunter2")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 201 {
		t.Fatalf("%s: %s", resp.Status, text)
	}
	_, err = s.store.Account(theirs).Pull(t.Context(), s.host+"/thief:1", nil)
	if _, ok := errors.AsType[*image.NotFoundError](err); !ok || !strings.Contains(err.Error(), "lacks blob "+layer) {
		t.Errorf("error is %v, want a NotFoundError", err)
	}
}

func TestReadOnlyAccess_PullsAndNoMore(t *testing.T) {
	s := newShared(t, nil)
	s.push(t, "theirs", "web:1")
	if _, err := crane.Pull(s.host+"/web:1", s.as("reader")); err != nil {
		t.Error(err)
	}
	err := crane.Tag(s.host+"/web:1", "2", s.as("reader"))
	if err == nil || !strings.Contains(err.Error(), "DENIED") || !strings.Contains(err.Error(), "this access key is read-only") {
		t.Errorf("tag: %v", err)
	}
	for method, path := range map[string]string{
		"POST": "/v2/web/blobs/uploads/", "PUT": "/v2/web/manifests/1", "PATCH": "/v2/web/blobs/uploads/x", "DELETE": "/v2/web/manifests/1",
	} {
		if got := s.do(t, "reader", method, path, ""); got.StatusCode != 403 {
			t.Errorf("%s: %s", method, got.Status)
		}
	}
}

func TestCollect_KeepsEveryAccountsTags(t *testing.T) {
	s := newShared(t, func(c *image.Config) { c.CollectGrace = time.Nanosecond })
	s.push(t, "ours", "web:1")
	want := s.push(t, "theirs", "team/web:1")
	if _, err := s.store.Collect(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got, err := s.store.Account(theirs).Pull(t.Context(), "team/web:1", nil); err != nil || got != want {
		t.Errorf("pulled %s, %v; want %s", got, err, want)
	}
}

// TestOwner_HasTheRepositoriesOfBefore opens a directory from when there was one account.
func TestOwner_HasTheRepositoriesOfBefore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	want := imagetest.Push(t, imagetest.Static(t, nil, v1.Config{}), embedded(t, s)+"/team/web:1", nil)
	if _, err := os.Stat(filepath.Join(dir, "repos", "team!web")); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, func(c *image.Config) { c.Owner = ours })
	if got, err := s.Account(ours).Resolve(t.Context(), "team/web:1", nil); err != nil || got != want {
		t.Errorf("resolved %s, %v; want %s", got, err, want)
	}
}

func TestBasicAuth_SaysWhenTheFaultIsOurs(t *testing.T) {
	h := open(t, t.TempDir(), nil).BasicAuth(func(context.Context, string, string) (image.Access, bool, error) {
		return image.Access{}, false, errors.New("the disk is on fire")
	})
	req := httptest.NewRequest("GET", "/v2/", nil)
	req.SetBasicAuth("me", "hunter2")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "fire") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
