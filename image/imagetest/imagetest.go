// Package imagetest makes container images for the tests of other packages and pushes them to a registry. Only tests
// import it.
package imagetest

import (
	"archive/tar"
	"bytes"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Static makes an image of one layer for this machine's CPU. files maps paths in the image, such as "/app", to content; all
// are executable. config's Entrypoint, Cmd, Env, User and so on become the image's.
func Static(t testing.TB, files map[string][]byte, config v1.Config) v1.Image {
	t.Helper()
	var entries []Entry
	for _, path := range slices.Sorted(maps.Keys(files)) {
		entries = append(entries, Entry{Header: tar.Header{Name: strings.TrimPrefix(path, "/"), Mode: 0o755}, Body: files[path]})
	}
	return Image(t, "linux/"+runtime.GOARCH, config, Layer(t, entries...))
}

// Binary is Static for one program: the file at path on this machine becomes the image's /app and its entrypoint.
func Binary(t testing.TB, path string, config v1.Config) v1.Image {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	config.Entrypoint = []string{"/app"}
	return Static(t, map[string][]byte{"/app": data}, config)
}

// Entry is one entry of a layer. The header's Size is set, and its Typeflag to a regular file if it is zero.
type Entry struct {
	tar.Header
	Body []byte
}

// Layer makes a gzip layer of entries, which may be as wicked as a test wants.
func Layer(t testing.TB, entries ...Entry) v1.Layer {
	t.Helper()
	return Compressed(t, Tar(t, entries...))
}

// Tar is the uncompressed stream of a layer.
func Tar(t testing.TB, entries ...Entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, e := range entries {
		if e.Typeflag == 0 {
			e.Typeflag = tar.TypeReg
		}
		e.Size = int64(len(e.Body))
		if err := tw.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(e.Body); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// Compressed makes a layer of a tar stream.
func Compressed(t testing.TB, stream []byte) v1.Layer {
	t.Helper()
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(stream)), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Image stacks layers, lowest first, to an image for a platform such as "linux/amd64".
func Image(t testing.TB, platform string, config v1.Config, layers ...v1.Layer) v1.Image {
	t.Helper()
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: p.OS, Architecture: p.Architecture, Config: config, RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		t.Fatal(err)
	}
	img, err = mutate.AppendLayers(img, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// Push pushes img as ref, such as "127.0.0.1:41234/web:v1", and returns its digest. auth may be nil.
func Push(t testing.TB, img v1.Image, ref string, auth authn.Authenticator) string {
	t.Helper()
	if auth == nil {
		auth = authn.Anonymous
	}
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(r, img, remote.WithAuth(auth), remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}
