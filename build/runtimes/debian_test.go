package runtimes

import (
	"archive/tar"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func makeOf(t *testing.T, runtime string, change func(*Debian)) error {
	t.Helper()
	rt, ok := Lookup(runtime)
	if !ok {
		t.Fatalf("no runtime %s", runtime)
	}
	d := Debian{Runtime: rt}
	if change != nil {
		change(&d)
	}
	_, err := d.Build(t.Context(), filepath.Join(t.TempDir(), "base.tar"))
	return err
}

func TestDebian_RefusesWhatNoBaseCanBeMadeOf(t *testing.T) {
	for _, c := range []struct {
		name, runtime string
		change        func(*Debian)
		want          []string
	}{
		{"a runtime that no release has", "dotnet8", nil, []string{"no release of Debian has .NET 8", "--suite and --packages", "apron runtime pull dotnet8"}},
		{"an option for a release", "python311", func(d *Debian) { d.Suite = "--mode=fakechroot" }, []string{"--suite"}},
		{"an option for a package", "python311", func(d *Debian) { d.Packages = []string{"-y"} }, []string{"--packages"}},
		{"a pattern for a package", "python311", func(d *Debian) { d.Packages = []string{"?all"} }, []string{"--packages"}},
		{"a mirror with a password", "python311", func(d *Debian) { d.Mirror = "http://me:secret@deb.example/debian" }, []string{"--mirror", "without credentials"}},
		{"a mirror that is a whole line", "python311", func(d *Debian) { d.Mirror = "deb [trusted=yes] http://deb.example/debian x main" }, []string{"--mirror"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := makeOf(t, c.runtime, c.change)
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("%v, want an *Error", err)
			}
			for _, part := range c.want {
				if !strings.Contains(e.Reason, part) {
					t.Errorf("%q, want %q in it", e.Reason, part)
				}
			}
			if strings.Contains(e.Reason, "secret") {
				t.Errorf("%q shows the password", e.Reason)
			}
		})
	}
}

func TestDebian_SaysHowToGetMmdebstrap(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := makeOf(t, "python311", nil); err == nil || !strings.Contains(err.Error(), "apt-get install mmdebstrap") {
		t.Errorf("%v", err)
	}
}

func TestDebian_ShowsWhatMmdebstrapSaidAgainstIt(t *testing.T) {
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		t.Skipf("SKIP: %v; install it with apt-get install mmdebstrap", err)
	}
	err := makeOf(t, "python311", func(d *Debian) { d.Mirror = "file:///nowhere" })
	e, ok := errors.AsType[*Error](err)
	if !ok || !strings.Contains(e.Reason, "from bookworm") || !strings.Contains(e.Reason, "E: ") {
		t.Errorf("%v", err)
	}
}

// writeRoot writes a small root file system whose package is of 2023 and whose rest was written now.
func writeRoot(t *testing.T, path string, now time.Time) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := tar.NewWriter(f)
	for _, h := range []tar.Header{
		{Name: "./dev/null", Typeflag: tar.TypeChar, ModTime: now},
		{Name: "./etc/shadow", Typeflag: tar.TypeReg, Mode: 0o640, Gid: 42, ModTime: now},
		{Name: "./usr/bin/old", Typeflag: tar.TypeReg, Mode: 0o4755, ModTime: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "x"}},
		{Name: "./var/lib/dpkg/info/a.md5sums", Typeflag: tar.TypeReg, Mode: 0o644, ModTime: time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDebian_TheSamePackagesMakeTheSameImage(t *testing.T) {
	var digests []string
	for _, now := range []time.Time{time.Now(), time.Now().Add(48 * time.Hour)} {
		dir := t.TempDir()
		root, path := filepath.Join(dir, "root.tar"), filepath.Join(dir, "base.tar")
		writeRoot(t, root, now)
		rt, _ := Lookup("python311")
		if err := (Debian{Runtime: rt}).write(root, "3.11.2", path); err != nil {
			t.Fatal(err)
		}
		img, err := tarball.ImageFromPath(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		d, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, d.String())
		if got := layerEntries(t, filepath.Join(dir, "root.tar"), dir); got != "./etc/shadow 2023 42\n./usr/bin/old 2020 0 capability\n./var/lib/dpkg/info/a.md5sums 2023 0\n" {
			t.Errorf("layer:\n%s", got)
		}
	}
	if digests[0] != digests[1] {
		t.Errorf("%v", digests)
	}
}

// layerEntries lists the layer that is made of a root.
func layerEntries(t *testing.T, root, dir string) (list string) {
	t.Helper()
	newest, err := newestPackage(root)
	if err == nil {
		err = writeLayer(root, filepath.Join(dir, "again.gz"), newest)
	}
	if err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromFile(filepath.Join(dir, "again.gz"))
	if err != nil {
		t.Fatal(err)
	}
	content, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if err != nil {
			return list
		}
		list += fmt.Sprintf("%s %d %d", h.Name, h.ModTime.UTC().Year(), h.Gid)
		if len(h.PAXRecords) > 0 {
			list += " capability"
		}
		list += "\n"
	}
}

func TestDebian_AGoBaseWithoutACompilerSaysSo(t *testing.T) {
	rt, _ := Lookup("go1")
	bare, err := Debian{Runtime: rt}.complete()
	if err != nil || !slices.Contains(bare.env(), "CGO_ENABLED=0") {
		t.Errorf("%v, %v", bare.env(), err)
	}
	full, err := Debian{Runtime: rt, Packages: []string{"gcc", "libc6-dev"}}.complete()
	if err != nil || len(full.env()) != 1 {
		t.Errorf("with gcc: %v, %v", full.env(), err)
	}
}
