package image_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apron/image"
	"apron/image/imagetest"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// upstream is a second store's registry with something in its way, and what passed by.
type upstream struct {
	host  string
	store *image.Store
	// before may answer a request itself and return true. Set it before the first request.
	before func(w http.ResponseWriter, req *http.Request) bool
	blobs  atomic.Int64
}

func newUpstream(t testing.TB) *upstream {
	t.Helper()
	u := &upstream{store: open(t, t.TempDir(), nil)}
	registry := u.store.Registry()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/blobs/") {
			u.blobs.Add(1)
		}
		if u.before == nil || !u.before(w, req) {
			registry.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(srv.Close)
	u.host = strings.TrimPrefix(srv.URL, "http://")
	return u
}

// isLayer says whether a request fetches a blob other than a small configuration.
func (u *upstream) isLayer(req *http.Request) bool {
	if req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/blobs/sha256:") {
		return false
	}
	rec := httptest.NewRecorder()
	u.store.Registry().ServeHTTP(rec, httptest.NewRequest(http.MethodHead, req.URL.Path, nil))
	return rec.Result().ContentLength > 1<<20
}

// breakOff answers like the registry but hangs up after n bytes of the body.
func (u *upstream) breakOff(w http.ResponseWriter, req *http.Request, n int) {
	rec := httptest.NewRecorder()
	u.store.Registry().ServeHTTP(rec, req)
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	w.Write(rec.Body.Bytes()[:n])
	panic(http.ErrAbortHandler)
}

// bigImage has one layer of three megabytes that do not compress.
func bigImage(t testing.TB) v1.Image {
	t.Helper()
	body := make([]byte, 3<<20)
	rand.New(rand.NewSource(7)).Read(body)
	return imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{}, imagetest.Layer(t, file("big", string(body))))
}

func TestPull_ResumesABlobThatBreaksOff(t *testing.T) {
	u := newUpstream(t)
	want := imagetest.Push(t, bigImage(t), u.host+"/big:v1", nil)
	var ranges []string
	u.before = func(w http.ResponseWriter, req *http.Request) bool {
		if !u.isLayer(req) {
			return false
		}
		if ranges = append(ranges, req.Header.Get("Range")); len(ranges) <= 2 {
			u.breakOff(w, req, 1<<20)
		}
		return false
	}
	s := open(t, t.TempDir(), nil)
	got, err := s.Pull(t.Context(), u.host+"/big:v1", nil)
	if err != nil || got != want {
		t.Fatalf("pulled %s, %v, want %s", got, err, want)
	}
	if want := []string{"", "bytes=1048576-", "bytes=2097152-"}; !slices.Equal(ranges, want) {
		t.Errorf("asked for ranges %q, want %q", ranges, want)
	}
}

func TestPull_RegistryThatDiesLeavesNothingHalf(t *testing.T) {
	u := newUpstream(t)
	want := imagetest.Push(t, bigImage(t), u.host+"/big:v1", nil)
	var healed atomic.Bool
	u.before = func(w http.ResponseWriter, req *http.Request) bool {
		if !healed.Load() && u.isLayer(req) {
			u.breakOff(w, req, 1000)
		}
		return false
	}
	dir := t.TempDir()
	s := open(t, dir, nil)
	_, err := s.Pull(t.Context(), u.host+"/big:v1", nil)
	if _, ok := errors.AsType[*image.UnreachableError](err); !ok || !strings.Contains(err.Error(), u.host+"/big:v1") {
		t.Fatalf("error is %v, want an UnreachableError that names the image", err)
	}
	if left := slices.Concat(files(t, dir+"/tmp"), files(t, dir+"/layers"), files(t, dir+"/images")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	healed.Store(true)
	if got, err := s.Pull(t.Context(), u.host+"/big:v1", nil); err != nil || got != want {
		t.Errorf("second pull: %s, %v", got, err)
	}
}

func TestPull_RegistryThatStallsIsUnreachable(t *testing.T) {
	u := newUpstream(t)
	imagetest.Push(t, bigImage(t), u.host+"/big:v1", nil)
	u.before = func(w http.ResponseWriter, req *http.Request) bool {
		if u.isLayer(req) {
			w.Header().Set("Content-Length", "3000000")
			w.WriteHeader(http.StatusOK)
			http.NewResponseController(w).Flush()
			<-req.Context().Done()
			return true
		}
		return false
	}
	s := open(t, t.TempDir(), func(c *image.Config) { c.IdleTimeout, c.Retries = 50*time.Millisecond, 1 })
	_, err := s.Pull(t.Context(), u.host+"/big:v1", nil)
	if _, ok := errors.AsType[*image.UnreachableError](err); !ok || !strings.Contains(err.Error(), "sent nothing") {
		t.Errorf("error is %v, want an UnreachableError that tells of the stall", err)
	}
}

func TestPull_RegistryThatIsNotThereIsUnreachable(t *testing.T) {
	srv := httptest.NewServer(nil)
	host := strings.TrimPrefix(srv.URL, "http://")
	srv.Close()
	s := open(t, t.TempDir(), func(c *image.Config) { c.Retries = 1 })
	for ref, says := range map[string]string{host + "/web:v1": "connection refused", "registry.invalid/web:v1": ""} {
		_, err := s.Pull(t.Context(), ref, nil)
		if _, ok := errors.AsType[*image.UnreachableError](err); !ok || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), ref) {
			t.Errorf("error is %v, want an UnreachableError about %s", err, ref)
		}
	}
}

func TestPull_SharesTheWork(t *testing.T) {
	u := newUpstream(t)
	want := imagetest.Push(t, bigImage(t), u.host+"/big:v1", nil)
	s := open(t, t.TempDir(), nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := s.Pull(t.Context(), u.host+"/big:v1", nil); err != nil || got != want {
				t.Errorf("pulled %s, %v", got, err)
			}
		})
	}
	wg.Wait()
	if n := u.blobs.Load(); n != 2 {
		t.Errorf("fetched %d blobs for eight pulls, want 2: the layer and the configuration", n)
	}
	if _, err := s.Pull(t.Context(), u.host+"/big:v1", nil); err != nil || u.blobs.Load() != 2 {
		t.Errorf("a pull of what is here fetched blobs: %d, %v", u.blobs.Load(), err)
	}
}

func TestPull_OneWhoGivesUpDoesNotFailTheOthers(t *testing.T) {
	u := newUpstream(t)
	want := imagetest.Push(t, bigImage(t), u.host+"/big:v1", nil)
	started, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	u.before = func(_ http.ResponseWriter, req *http.Request) bool {
		if u.isLayer(req) {
			once.Do(func() { close(started) })
			<-release
		}
		return false
	}
	s := open(t, t.TempDir(), nil)
	first, giveUp := context.WithCancel(t.Context())
	errs := make(chan error, 2)
	go func() { _, err := s.Pull(first, u.host+"/big:v1", nil); errs <- err }()
	<-started
	go func() { _, err := s.Pull(t.Context(), u.host+"/big:v1", nil); errs <- err }()
	time.Sleep(100 * time.Millisecond) // lets the second join
	giveUp()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Errorf("the first got %v, want its own cancelling", err)
	}
	close(release)
	if err := <-errs; err != nil {
		t.Errorf("the second got %v", err)
	}
	if _, err := s.Image(t.Context(), want); err != nil {
		t.Error(err)
	}
}

// TestPull_AnothersRegistryDoesNotFailIt pulls the same image from a registry that dies and, joining that pull, from one that
// does not.
func TestPull_AnothersRegistryDoesNotFailIt(t *testing.T) {
	bad, good := newUpstream(t), newUpstream(t)
	want := imagetest.Push(t, bigImage(t), bad.host+"/big:v1", nil)
	imagetest.Push(t, bigImage(t), good.host+"/big:v1", nil)
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	bad.before = func(w http.ResponseWriter, req *http.Request) bool {
		if bad.isLayer(req) {
			once.Do(func() { close(reached) })
			<-release
			bad.breakOff(w, req, 1000)
		}
		return false
	}
	s := open(t, t.TempDir(), func(c *image.Config) { c.Retries = 1 })
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := s.Pull(t.Context(), bad.host+"/big:v1", nil); first <- err }()
	<-reached
	go func() { _, err := s.Pull(t.Context(), good.host+"/big:v1", nil); second <- err }()
	time.Sleep(200 * time.Millisecond) // lets the second join
	close(release)
	if err := <-first; err == nil {
		t.Error("the pull from the dying registry succeeded")
	}
	if err := <-second; err != nil {
		t.Errorf("the pull from the good one: %v", err)
	}
	if _, err := s.Image(t.Context(), want); err != nil {
		t.Error(err)
	}
}

func TestPull_FetchesOnlyWhatIsMissing(t *testing.T) {
	u := newUpstream(t)
	base, top := imagetest.Layer(t, file("base", "1")), imagetest.Layer(t, file("top", "2"))
	imagetest.Push(t, imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{}, base), u.host+"/web:v1", nil)
	imagetest.Push(t, imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{}, base, top), u.host+"/web:v2", nil)
	s := open(t, t.TempDir(), nil)
	if _, err := s.Pull(t.Context(), u.host+"/web:v1", nil); err != nil || u.blobs.Load() != 2 {
		t.Fatalf("the first: fetched %d blobs, %v, want its layer and its configuration", u.blobs.Load(), err)
	}
	if _, err := s.Pull(t.Context(), u.host+"/web:v2", nil); err != nil || u.blobs.Load() != 4 {
		t.Errorf("after both: fetched %d blobs, %v, want 4", u.blobs.Load(), err)
	}
}

func TestPull_MissingImagesAreNotFound(t *testing.T) {
	host := remoteRegistry(t)
	imagetest.Push(t, imagetest.Static(t, nil, v1.Config{}), host+"/web:v1", nil)
	s := open(t, t.TempDir(), func(c *image.Config) { c.LocalHosts = []string{"localhost:4080"} })
	for _, ref := range []string{host + "/web:v2", host + "/other:v1", host + "/web@sha256:" + strings.Repeat("0", 64), "localhost:4080/web:v1"} {
		_, err := s.Pull(t.Context(), ref, nil)
		if _, ok := errors.AsType[*image.NotFoundError](err); !ok || !strings.Contains(err.Error(), ref) {
			t.Errorf("Pull(%s): %v, want a NotFoundError that names it", ref, err)
		}
	}
}

func TestPull_CredentialsAreAskedForAndChecked(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	srv := httptest.NewServer(open(t, t.TempDir(), nil).BasicAuth(logins{"me": {}}.check))
	t.Cleanup(srv.Close)
	ref := strings.TrimPrefix(srv.URL, "http://") + "/web:v1"
	imagetest.Push(t, imagetest.Static(t, nil, v1.Config{}), ref, &authn.Basic{Username: "me", Password: "hunter2"})

	_, err := s.Pull(t.Context(), ref, nil)
	if e, ok := errors.AsType[*image.AuthError](err); !ok || !e.Anonymous {
		t.Errorf("without credentials: %v", err)
	}
	_, err = s.Pull(t.Context(), ref, &image.Auth{Username: "me", Password: "sesame99"})
	if e, ok := errors.AsType[*image.AuthError](err); !ok || e.Anonymous || strings.Contains(err.Error(), "sesame99") {
		t.Errorf("with wrong credentials: %v", err)
	}
	if _, err := s.Pull(t.Context(), ref, &image.Auth{Username: "me", Password: "hunter2"}); err != nil {
		t.Errorf("with right credentials: %v", err)
	}
}

func TestPull_ErrorsKeepSecrets(t *testing.T) {
	u := newUpstream(t)
	imagetest.Push(t, bigImage(t), u.host+"/big:v1", nil)
	u.before = func(w http.ResponseWriter, req *http.Request) bool {
		switch {
		case strings.HasPrefix(req.URL.Path, "/signed"):
			panic(http.ErrAbortHandler)
		case u.isLayer(req):
			http.Redirect(w, req, "/signed?X-Amz-Signature=PLANTED", http.StatusTemporaryRedirect)
			return true
		}
		return false
	}
	s := open(t, t.TempDir(), func(c *image.Config) { c.Retries = 1 })
	_, err := s.Pull(t.Context(), u.host+"/big:v1", nil)
	for ; err != nil; err = errors.Unwrap(err) {
		if text := fmt.Sprintf("%v %+v %#v", err, err, err.Error()); strings.Contains(text, "PLANTED") {
			t.Errorf("the error tells the signature: %s", text)
		}
	}
	_, err = s.Pull(t.Context(), "https://me:PLANTED@example.com/web:v1", nil)
	if _, ok := errors.AsType[*image.InvalidError](err); !ok || strings.Contains(err.Error(), "PLANTED") {
		t.Errorf("a reference with a password in it: %v", err)
	}
}

func TestPull_RefusesARedirectIntoThePrivateNetwork(t *testing.T) {
	req := httptest.NewRequest(http.MethodGet, "http://169.254.169.254/latest/meta-data/", nil)
	first := httptest.NewRequest(http.MethodGet, "https://registry.example/v2/", nil)
	if err := image.CheckRedirect(req, []*http.Request{first}); err == nil {
		t.Error("followed a public registry to the metadata service")
	}
	first = httptest.NewRequest(http.MethodGet, "http://127.0.0.1:5000/v2/", nil)
	if err := image.CheckRedirect(httptest.NewRequest(http.MethodGet, "http://10.0.0.7/blob", nil), []*http.Request{first}); err != nil {
		t.Errorf("a registry inside may redirect inside: %v", err)
	}
}

func TestPull_PicksThePlatformOfThisMachine(t *testing.T) {
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	mine, theirs := imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{User: "mine"}), imagetest.Image(t, "linux/"+other, v1.Config{})
	host := remoteRegistry(t)
	push := func(tag string, images map[string]v1.Image) {
		index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: theirs, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: other}}})
		for arch, img := range images {
			index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
		}
		ref, err := name.ParseReference(host + "/web:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.WriteIndex(ref, index); err != nil {
			t.Fatal(err)
		}
	}
	push("both", map[string]v1.Image{runtime.GOARCH: mine})
	push("theirs", nil)
	imagetest.Push(t, theirs, host+"/web:single", nil)
	s := open(t, t.TempDir(), nil)

	want, _ := mine.Digest()
	if got, err := s.Resolve(t.Context(), host+"/web:both", nil); err != nil || got != want.String() {
		t.Errorf("Resolve: %s, %v, want %s", got, err, want)
	}
	if got, err := s.Pull(t.Context(), host+"/web:both", nil); err != nil || got != want.String() {
		t.Errorf("Pull: %s, %v, want %s", got, err, want)
	}
	for _, tag := range []string{"theirs", "single"} {
		_, err := s.Pull(t.Context(), host+"/web:"+tag, nil)
		e, ok := errors.AsType[*image.PlatformError](err)
		if !ok || e.Want != "linux/"+runtime.GOARCH || !slices.Equal(e.Have, []string{"linux/" + other}) || !strings.Contains(err.Error(), e.Have[0]) {
			t.Errorf("%s: %v, want a PlatformError that names both", tag, err)
		}
	}
}

func TestPull_RefusesBadManifests(t *testing.T) {
	layer := `{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":1,"digest":"sha256:` + strings.Repeat("0", 64) + `"}`
	cases := map[string]string{
		"schema 1":        `{"schemaVersion":1,"fsLayers":[],"history":[]}`,
		"ambiguous":       `{"schemaVersion":2,"config":` + layer + `,"layers":[],"manifests":[]}`,
		"no JSON":         `<html>`,
		"neither":         `{"schemaVersion":2}`,
		"hostile digest":  `{"schemaVersion":2,"config":` + strings.Replace(layer, "sha256:0", "sha256:../../0", 1) + `,"layers":[]}`,
		"too many layers": `{"schemaVersion":2,"config":` + layer + `,"layers":[` + strings.Repeat(layer+",", 127) + layer + `]}`,
		"too large":       `{"schemaVersion":2,"x":"` + strings.Repeat("x", 5<<20) + `"}`,
		"empty index":     `{"schemaVersion":2,"manifests":[]}`,
	}
	says := map[string]string{"schema 1": "schema 1", "too many layers": "127 layers", "too large": "manifest exceeds"}
	for name, body := range cases {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				w.Header().Set("Content-Type", "application/vnd.docker.distribution.manifest.v2+json")
				w.Write([]byte(body))
			}))
			defer srv.Close()
			_, err := open(t, t.TempDir(), nil).Pull(t.Context(), strings.TrimPrefix(srv.URL, "http://")+"/web:v1", nil)
			_, invalid := errors.AsType[*image.InvalidError](err)
			_, large := errors.AsType[*image.TooLargeError](err)
			if !invalid && !large || !strings.Contains(err.Error(), says[name]) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestImage_SaysWhatToDoIfItIsNotThere(t *testing.T) {
	dig := "sha256:" + strings.Repeat("a", 64)
	_, err := open(t, t.TempDir(), nil).Image(t.Context(), dig)
	if _, ok := errors.AsType[*image.MissingError](err); !ok || !strings.Contains(err.Error(), "deploy the service again") {
		t.Errorf("error is %v", err)
	}
}
