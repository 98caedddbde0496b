package image_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"apron/image"
	"apron/image/imagetest"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestRegistry_Crane(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	host := embedded(t, s)
	img := bigImage(t)
	want, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := crane.Push(img, host+"/web:v1"); err != nil {
		t.Fatal(err)
	}
	if err := crane.Copy(host+"/web:v1", host+"/copies/web:v2"); err != nil { // mounts its blobs
		t.Fatal(err)
	}
	got, err := crane.Pull(host + "/copies/web:v2")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(got); err != nil {
		t.Errorf("what comes back is not what was pushed: %v", err)
	}
	if err := crane.Tag(host+"/web:v1", "stable"); err != nil {
		t.Error(err)
	}
	if tags, err := crane.ListTags(host + "/web"); err != nil || !slices.Equal(tags, []string{"stable", "v1"}) {
		t.Errorf("tags %v, %v", tags, err)
	}
	if repos, err := crane.Catalog(host); err != nil || !slices.Equal(repos, []string{"copies/web", "web"}) {
		t.Errorf("catalog %v, %v", repos, err)
	}
	if err := crane.Delete(host + "/web@" + want.String()); err != nil {
		t.Error(err)
	}
	if tags, _ := crane.ListTags(host + "/web"); len(tags) != 0 {
		t.Errorf("tags outlived their manifest: %v", tags)
	}
	if d, err := crane.Digest(host + "/copies/web:v2"); err != nil || d != want.String() {
		t.Errorf("the other repository has %s, %v", d, err)
	}
}

func TestRegistry_Index(t *testing.T) {
	host := embedded(t, open(t, t.TempDir(), nil))
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: imagetest.Image(t, "linux/amd64", v1.Config{}, imagetest.Layer(t, file("a", "1"))), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: imagetest.Image(t, "linux/arm64", v1.Config{}, imagetest.Layer(t, file("a", "2"))), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}})
	ref, err := name.ParseReference(host + "/multi:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	back, err := remote.Index(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(back); err != nil {
		t.Error(err)
	}
}

func TestRegistry_SkopeoWithCredentials(t *testing.T) {
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		t.Skip("skopeo is not installed")
	}
	s := open(t, t.TempDir(), nil)
	srv := httptest.NewServer(s.BasicAuth(logins{"me": {}}.check))
	t.Cleanup(srv.Close)
	host := strings.TrimPrefix(srv.URL, "http://")
	dir := filepath.Join(t.TempDir(), "layout")
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	img := bigImage(t)
	if err := path.AppendImage(img); err != nil {
		t.Fatal(err)
	}
	want, _ := img.Digest()

	copyTo := func(to string, more ...string) ([]byte, error) {
		args := append([]string{"--insecure-policy", "copy", "--preserve-digests", "--dest-tls-verify=false"}, more...)
		return exec.CommandContext(t.Context(), skopeo, append(args, "oci:"+dir, to)...).CombinedOutput()
	}
	if out, err := copyTo("docker://" + host + "/team/web:v1"); err == nil || !strings.Contains(string(out), "log in with an access key id") && !strings.Contains(string(out), "unauthorized") {
		t.Errorf("without credentials: %v\n%s", err, out)
	}
	if out, err := copyTo("docker://"+host+"/team/web:v1", "--dest-creds=me:hunter2"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, err := s.Resolve(t.Context(), "team/web:v1", nil); err != nil || got != want.String() {
		t.Errorf("pushed %s, %v, want %s", got, err, want)
	}
	out, err := exec.CommandContext(t.Context(), skopeo, "--insecure-policy", "copy", "--src-tls-verify=false", "--src-creds=me:hunter2",
		"docker://"+host+"/team/web:v1", "oci:"+filepath.Join(t.TempDir(), "back")).CombinedOutput()
	if err != nil {
		t.Errorf("copy back: %v\n%s", err, out)
	}
}

// client speaks the distribution API by hand.
type client struct {
	t    *testing.T
	base string
}

func (c client) do(method, path string, header map[string]string, body []byte) *http.Response {
	c.t.Helper()
	if !strings.HasPrefix(path, "http://") {
		path = c.base + path
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(data))
	return resp
}

func (c client) want(status int, resp *http.Response) *http.Response {
	c.t.Helper()
	if resp.StatusCode != status {
		body, _ := io.ReadAll(resp.Body)
		c.t.Fatalf("%s %s answered %d, want %d: %s", resp.Request.Method, resp.Request.URL.Path, resp.StatusCode, status, body)
	}
	return resp
}

func sum(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

func newClient(t *testing.T) (client, string) {
	dir := t.TempDir()
	return client{t, "http://" + embedded(t, open(t, dir, nil))}, dir
}

func TestRegistry_UploadsInEveryForm(t *testing.T) {
	c, dir := newClient(t)
	const up = "/v2/web/blobs/uploads/"
	one, two := []byte("first half,"), []byte("second half")
	whole := slices.Concat(one, two)
	fetch := func(d string) {
		t.Helper()
		body, _ := io.ReadAll(c.want(200, c.do("GET", "/v2/web/blobs/"+d, nil, nil)).Body)
		if sum(body) != d {
			t.Errorf("%s came back as %q", d, body)
		}
	}

	c.want(201, c.do("POST", up+"?digest="+sum(one), map[string]string{"Content-Type": "application/octet-stream"}, one))
	fetch(sum(one))

	loc := c.want(202, c.do("POST", up, nil, nil)).Header.Get("Location")
	c.want(201, c.do("PUT", loc+"?digest="+sum(two), nil, two))
	fetch(sum(two))

	// In chunks with ranges; one out of order is refused and harms nothing.
	loc = c.want(202, c.do("POST", up, nil, nil)).Header.Get("Location")
	c.want(202, c.do("PATCH", loc, map[string]string{"Content-Range": fmt.Sprintf("0-%d", len(one)-1)}, one))
	c.want(416, c.do("PATCH", loc, map[string]string{"Content-Range": fmt.Sprintf("0-%d", len(one)-1)}, one))
	if got := c.want(204, c.do("GET", loc, nil, nil)).Header.Get("Range"); got != fmt.Sprintf("0-%d", len(one)-1) {
		t.Errorf("the upload is at %q", got)
	}
	c.want(202, c.do("PATCH", loc, map[string]string{"Content-Range": fmt.Sprintf("%d-%d", len(one), len(whole)-1)}, two))
	c.want(201, c.do("PUT", loc+"?digest="+sum(whole), nil, nil))
	fetch(sum(whole))

	// As docker does: PATCH without a range, more than once, then an empty PUT.
	third := []byte("third")
	loc = c.want(202, c.do("POST", up, nil, nil)).Header.Get("Location")
	c.want(202, c.do("PATCH", loc, nil, third))
	c.want(202, c.do("PATCH", loc, nil, one))
	c.want(201, c.do("PUT", loc+"?digest="+sum(slices.Concat(third, one)), nil, nil))

	// Wrong digests, and an upload that the client gives up.
	c.want(400, c.do("POST", up+"?digest="+sum(one), nil, two))
	loc = c.want(202, c.do("POST", up, nil, nil)).Header.Get("Location")
	c.want(400, c.do("PUT", loc+"?digest="+sum(one), nil, two))
	c.want(404, c.do("PATCH", loc, nil, two))
	loc = c.want(202, c.do("POST", up, nil, nil)).Header.Get("Location")
	c.want(204, c.do("DELETE", loc, nil, nil))
	c.want(404, c.do("DELETE", loc, nil, nil))
	if left := files(t, dir+"/tmp"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRegistry_ReadsMountsAndDeletes(t *testing.T) {
	c, _ := newClient(t)
	blob := []byte("0123456789")
	d := sum(blob)
	c.want(201, c.do("POST", "/v2/web/blobs/uploads/?digest="+d, nil, blob))
	if got := c.want(200, c.do("HEAD", "/v2/web/blobs/"+d, nil, nil)).ContentLength; got != 10 {
		t.Errorf("HEAD says %d bytes", got)
	}
	part := c.want(206, c.do("GET", "/v2/web/blobs/"+d, map[string]string{"Range": "bytes=3-5"}, nil))
	if body, _ := io.ReadAll(part.Body); string(body) != "345" || part.Header.Get("Content-Range") != "bytes 3-5/10" {
		t.Errorf("range gave %q, %s", body, part.Header.Get("Content-Range"))
	}
	// A blob belongs to its repository.
	c.want(404, c.do("GET", "/v2/other/blobs/"+d, nil, nil))
	c.want(201, c.do("POST", "/v2/other/blobs/uploads/?mount="+d+"&from=web", nil, nil))
	c.want(200, c.do("GET", "/v2/other/blobs/"+d, nil, nil))
	c.want(202, c.do("POST", "/v2/other/blobs/uploads/?mount="+sum([]byte("no"))+"&from=web", nil, nil))
	c.want(202, c.do("DELETE", "/v2/web/blobs/"+d, nil, nil))
	c.want(404, c.do("GET", "/v2/web/blobs/"+d, nil, nil))
	c.want(200, c.do("GET", "/v2/other/blobs/"+d, nil, nil))
	// Names that hold the protocol's own words.
	c.want(201, c.do("POST", "/v2/a/manifests/b/blobs/uploads/?digest="+d, nil, blob))
	loc := c.want(202, c.do("POST", "/v2/a/manifests/b/blobs/uploads/", nil, nil)).Header.Get("Location")
	c.want(201, c.do("PUT", loc+"?digest="+d, nil, blob))
	// Names that would be paths.
	c.want(400, c.do("GET", "/v2/..%2f..%2fetc/blobs/"+d, nil, nil))
	c.want(400, c.do("POST", "/v2/"+strings.Repeat("a", 201)+"/blobs/uploads/", nil, nil))
}

func TestRegistry_ManifestsAreChecked(t *testing.T) {
	c, dir := newClient(t)
	const oci = "application/vnd.oci.image.manifest.v1+json"
	config := []byte("{}")
	manifest := func(extra string) []byte {
		return fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.example","size":2,"digest":%q},"layers":[]%s}`, oci, sum(config), extra)
	}
	put := func(id, mediaType string, body []byte) *http.Response {
		return c.do("PUT", "/v2/web/manifests/"+id, map[string]string{"Content-Type": mediaType}, body)
	}
	resp := c.want(404, put("v1", oci, manifest("")))
	var wire struct {
		Errors []struct{ Code, Message string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&wire); err != nil || len(wire.Errors) != 1 || wire.Errors[0].Code != "MANIFEST_BLOB_UNKNOWN" || !strings.Contains(wire.Errors[0].Message, sum(config)) {
		t.Errorf("the answer is %+v, %v", wire, err)
	}
	c.want(201, c.do("POST", "/v2/web/blobs/uploads/?digest="+sum(config), nil, config))
	c.want(201, put("v1", oci, manifest("")))
	c.want(400, put("v1", "application/vnd.docker.distribution.manifest.v1+json", []byte(`{"schemaVersion":1}`)))
	c.want(400, put("v1", "application/vnd.oci.image.index.v1+json", manifest("")))
	c.want(400, put("v1", oci, []byte(`{`)))
	c.want(400, put(sum([]byte("another")), oci, manifest("")))
	c.want(413, put("v1", oci, bytes.Repeat([]byte("x"), 5<<20)))

	head := c.want(200, c.do("HEAD", "/v2/web/manifests/v1", nil, nil))
	subject := head.Header.Get("Docker-Content-Digest")
	if subject != sum(manifest("")) || head.Header.Get("Content-Type") != oci {
		t.Errorf("HEAD says %v", head.Header)
	}
	signature := manifest(fmt.Sprintf(`,"artifactType":"application/vnd.signature","subject":{"mediaType":%q,"size":1,"digest":%q}`, oci, subject))
	if got := c.want(201, put(sum(signature), oci, signature)).Header.Get("OCI-Subject"); got != subject {
		t.Errorf("OCI-Subject is %q", got)
	}
	for filter, n := range map[string]int{"": 1, "?artifactType=application/vnd.signature": 1, "?artifactType=other": 0} {
		var index v1.IndexManifest
		if err := json.NewDecoder(c.want(200, c.do("GET", "/v2/web/referrers/"+subject+filter, nil, nil)).Body).Decode(&index); err != nil || len(index.Manifests) != n {
			t.Errorf("referrers%s: %d, %v, want %d", filter, len(index.Manifests), err, n)
		}
	}
	for _, tag := range []string{"a", "b", "c"} {
		c.want(201, put(tag, oci, manifest("")))
	}
	page := c.want(200, c.do("GET", "/v2/web/tags/list?n=2&last=a", nil, nil))
	if body, _ := io.ReadAll(page.Body); !strings.Contains(string(body), `["b","c"]`) || page.Header.Get("Link") == "" {
		t.Errorf("page of tags: %s, Link %q", body, page.Header.Get("Link"))
	}
	c.want(202, c.do("DELETE", "/v2/web/manifests/a", nil, nil))
	c.want(404, c.do("GET", "/v2/web/manifests/a", nil, nil))
	c.want(404, c.do("GET", "/v2/nothing/tags/list", nil, nil))
	if left := files(t, dir+"/tmp"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRegistry_KeepsPushesAndForgetsUploadsOverARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	host := embedded(t, s)
	c := client{t, "http://" + host}
	want := imagetest.Push(t, imagetest.Static(t, map[string][]byte{"/a": []byte("a")}, v1.Config{}), host+"/web:v1", nil)
	loc := c.want(202, c.do("POST", "/v2/web/blobs/uploads/", nil, nil)).Header.Get("Location")
	c.want(202, c.do("PATCH", loc, nil, make([]byte, 1<<20)))
	if left := files(t, dir+"/tmp"); len(left) != 1 {
		t.Fatalf("the upload is not in tmp: %v", left)
	}
	s.Close()
	s = open(t, dir, nil)
	if left := files(t, dir+"/tmp"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if got, err := s.Pull(t.Context(), "web:v1", nil); err != nil || got != want {
		t.Errorf("after a restart: %s, %v", got, err)
	}
}

func TestBasicAuth_AnswersAsRegistriesDo(t *testing.T) {
	h := open(t, t.TempDir(), nil).BasicAuth(logins{}.check)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/v2/", nil))
	var wire struct {
		Errors []struct{ Code, Message string }
	}
	if err := json.NewDecoder(rec.Body).Decode(&wire); err != nil || rec.Code != 401 || len(wire.Errors) != 1 || wire.Errors[0].Code != "UNAUTHORIZED" {
		t.Errorf("%d %+v %v", rec.Code, wire, err)
	}
	if got := rec.Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, `Basic realm="apron"`) {
		t.Errorf("challenge is %q", got)
	}
}

// TestRegistry_LetsGoOfAClientThatStalls sends the first bytes of a chunk and then nothing. What came is kept, and the client may
// go on from there.
func TestRegistry_LetsGoOfAClientThatStalls(t *testing.T) {
	s := open(t, t.TempDir(), func(c *image.Config) { c.IdleTimeout = 100 * time.Millisecond })
	host := embedded(t, s)
	c := client{t, "http://" + host}
	whole := []byte("0123456789abcdef")
	loc := c.want(202, c.do("POST", "/v2/web/blobs/uploads/", nil, nil)).Header.Get("Location")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", loc, len(whole), whole[:10])
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode < 400 {
		t.Fatalf("the stalled request got %v, %v", resp, err)
	}
	if got := c.want(204, c.do("GET", loc, nil, nil)).Header.Get("Range"); got != "0-9" {
		t.Errorf("the upload is at %q", got)
	}
	c.want(202, c.do("PATCH", loc, map[string]string{"Content-Range": "10-15"}, whole[10:]))
	c.want(201, c.do("PUT", loc+"?digest="+sum(whole), nil, nil))
}
