package docs

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"apron/build/recipe"
)

func TestExamples_HaveRecipes(t *testing.T) {
	files, err := filepath.Glob("../examples/*/apprunner.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("there are only %d: %v", len(files), err)
	}
	for _, file := range files {
		f, err := recipe.Parse(recipe.FileName, read(t, file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
		} else if len(f.Notices) > 0 {
			t.Errorf("%s: %v", file, f.Notices)
		}
	}
}

// What the examples depend on lies beside them packed, as pip and npm want it, and unpacked, as people do.
func TestExamples_PackWhatLiesBesideThePack(t *testing.T) {
	wheels := "../examples/python/wheels/"
	if got := unzipped(t, wheels+"moonphase-1.0-py3-none-any.whl")["moonphase.py"]; got != string(read(t, wheels+"moonphase/moonphase.py")) {
		t.Error("the wheel of moonphase isn't of its source: run `pip wheel --no-deps --no-build-isolation -w . ./moonphase` in examples/python/wheels")
	}
	vendor := "../examples/node/vendor/"
	packed := read(t, vendor+"dice-1.0.0.tgz")
	files := untarred(t, packed)
	for _, name := range []string{"dice.js", "package.json"} {
		if files["package/"+name] != string(read(t, vendor+"dice/"+name)) {
			t.Errorf("the package of dice has another %s: run `npm pack ./dice` in examples/node/vendor and `npm install --package-lock-only` in examples/node", name)
		}
	}
	sum := sha512.Sum512(packed)
	if lock := string(read(t, "../examples/node/package-lock.json")); !strings.Contains(lock, `"integrity": "sha512-`+base64.StdEncoding.EncodeToString(sum[:])+`"`) {
		t.Error("package-lock.json is of another package of dice: run `npm install --package-lock-only` in examples/node")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unzipped(t *testing.T, path string) map[string]string {
	t.Helper()
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files := map[string]string{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = all(t, r)
	}
	return files
}

func untarred(t *testing.T, packed []byte) map[string]string {
	t.Helper()
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(unpacked); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		} else if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = all(t, archive)
	}
}

func all(t *testing.T, r io.Reader) string {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
