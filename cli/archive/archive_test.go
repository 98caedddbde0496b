package archive_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"apron/cli/archive"
)

// kinds write an image in all forms that it may have in files, and return where.
var kinds = map[string]func(t *testing.T, dir string, img v1.Image) string{
	"docker archive": dockerArchive,
	"docker archive, compressed": func(t *testing.T, dir string, img v1.Image) string {
		return compressed(t, dockerArchive(t, dir, img))
	},
	"OCI layout": ociLayout,
	"OCI archive": func(t *testing.T, dir string, img v1.Image) string {
		return packed(t, ociLayout(t, dir, img))
	},
	"OCI archive, compressed": func(t *testing.T, dir string, img v1.Image) string {
		return compressed(t, packed(t, ociLayout(t, dir, img)))
	},
}

func TestPush_TakesEveryFormOfArchive(t *testing.T) {
	img := withPort(t, "9000/tcp")
	want, err := img.ConfigName() // an archive may compress the layers otherwise; what is run is the same
	if err != nil {
		t.Fatal(err)
	}
	for kind, write := range kinds {
		t.Run(kind, func(t *testing.T) {
			opened := open(t, write(t, t.TempDir(), img))
			if got := opened.Port(); got != "9000" {
				t.Errorf("the port is %q, want 9000", got)
			}
			pulled := push(t, opened)
			image, err := pulled.Image()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := image.ConfigName(); err != nil || got != want {
				t.Errorf("the registry has %v, %v; want %v", got, err, want)
			}
		})
	}
}

// TestPush_TakesAllPlatforms wants an index for several platforms to arrive whole: the server chooses.
func TestPush_TakesAllPlatforms(t *testing.T) {
	index := v1.ImageIndex(empty.Index)
	for _, cpu := range []string{"amd64", "arm64"} {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: withPort(t, "9000"), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: cpu}},
		})
	}
	dir := t.TempDir()
	for where, write := range map[string]func() error{
		"at the top": func() error { _, err := layout.Write(filepath.Join(dir, "at the top"), index); return err },
		"below": func() error {
			p, err := layout.Write(filepath.Join(dir, "below"), empty.Index)
			return errors.Join(err, p.AppendIndex(index))
		},
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
		opened := open(t, filepath.Join(dir, where))
		pulled := push(t, opened)
		if pulled.MediaType.IsImage() || opened.Port() != "" {
			t.Errorf("%s: the registry has a %s, and the port is %q; want an index and none", where, pulled.MediaType, opened.Port())
		}
	}
}

func TestOpen_RefusesWhatIsNoImage(t *testing.T) {
	dir := t.TempDir()
	for file, content := range map[string]string{"text.tar": "This is no tar.", "empty.tar": "", "broken.tar": "\x1f\x8bnot gzip either"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeTar(t, filepath.Join(dir, "other.tar"), map[string]string{"main.go": "package main"})
	for _, file := range []string{"text.tar", "empty.tar", "broken.tar", "other.tar", "."} {
		if _, err := archive.Open(filepath.Join(dir, file)); !errors.Is(err, archive.ErrNoImage) {
			t.Errorf("%s: got %v, want ErrNoImage", file, err)
		}
	}
	if _, err := archive.Open(filepath.Join(dir, "absent.tar")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent.tar: got %v", err)
	}
}

// TestOpen_KeepsAnArchiveInsideItsDirectory has names that climb out of where the archive is unpacked.
func TestOpen_KeepsAnArchiveInsideItsDirectory(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(temp, "in"))
	if err := os.Mkdir(filepath.Join(temp, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(temp, "evil.tar")
	writeTar(t, path, map[string]string{"../../climbed": "x", "index.json": `{"schemaVersion":2,"manifests":[]}`})
	if _, err := archive.Open(path); err == nil {
		t.Error("an archive with a name that climbs was opened")
	}
	if _, err := os.Stat(filepath.Join(temp, "climbed")); err == nil {
		t.Error("a file was written outside")
	}
	if left, _ := os.ReadDir(filepath.Join(temp, "in")); len(left) > 0 {
		t.Errorf("%v was left behind", left)
	}
}

func open(t *testing.T, path string) *archive.Image {
	t.Helper()
	img, err := archive.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := img.Close(); err != nil {
			t.Error(err)
		}
	})
	return img
}

// push pushes into a registry that is there for this one test, and returns what that has then.
func push(t *testing.T, img *archive.Image) *remote.Descriptor {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	ref := strings.TrimPrefix(server.URL, "http://") + "/web-app:latest"
	var done, all int64
	if err := img.Push(t.Context(), ref, true, "AKIA", "secret", func(d, a int64) { done, all = d, a }); err != nil {
		t.Fatal(err)
	}
	if done == 0 || done > all {
		t.Errorf("progress ended at %d of %d", done, all)
	}
	tag, err := name.NewTag(ref, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Get(tag)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := got.Image(); err != nil && got.MediaType.IsImage() {
		t.Fatal(err)
	}
	return got
}

func withPort(t *testing.T, port string) v1.Image {
	t.Helper()
	img, err := random.Image(1000, 2)
	if err == nil {
		img, err = mutate.Config(img, v1.Config{ExposedPorts: map[string]struct{}{port: {}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func dockerArchive(t *testing.T, dir string, img v1.Image) string {
	t.Helper()
	tag, err := name.NewTag("web-app:1")
	path := filepath.Join(dir, "image.tar")
	if err == nil {
		err = tarball.WriteToFile(path, tag, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func ociLayout(t *testing.T, dir string, img v1.Image) string {
	t.Helper()
	path := filepath.Join(dir, "layout")
	p, err := layout.Write(path, empty.Index)
	if err == nil {
		err = p.AppendImage(img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// packed is a directory as a tar.
func packed(t *testing.T, dir string) string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files["./"+strings.TrimPrefix(path, dir+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	writeTar(t, dir+".tar", files)
	return dir + ".tar"
}

func writeTar(t *testing.T, path string, files map[string]string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func compressed(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path + ".gz")
	if err != nil {
		t.Fatal(err)
	}
	w := gzip.NewWriter(f)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path + ".gz"
}
