package image_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"apron/image"
	"apron/image/imagetest"
)

func TestUntag_LetsCollectTakeTheImage(t *testing.T) {
	s, a, dir := newStore(t)
	other := s.Account("123456789012")
	dig := commit(t, a, image.NewImage{Layers: []image.Tree{{Dir: upper(t)}}, Repo: "apron/web", Tag: "b"})
	commit(t, a, image.NewImage{Layers: []image.Tree{{Dir: upper(t)}}, Repo: "apron/web", Tag: "a"})
	if tags, err := a.Tags(t.Context(), "apron/web"); err != nil || !slices.Equal(tags, []string{"a", "b"}) {
		t.Errorf("tags %v, %v", tags, err)
	}
	if tags, err := other.Tags(t.Context(), "apron/web"); err != nil || len(tags) != 0 {
		t.Errorf("another account sees %v, %v", tags, err)
	}
	if _, err := other.Pull(t.Context(), "apron/web@"+dig, nil); err == nil {
		t.Error("another account can have it")
	}
	if err := errors.Join(other.Untag(t.Context(), "apron/web", "a"), a.Untag(t.Context(), "apron/web", "none"), a.Untag(t.Context(), "apron/web", "a")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Collect(t.Context(), []string{dig}); err != nil {
		t.Fatal(err)
	}
	requireWhole(t, s, dig)
	if err := errors.Join(a.Untag(t.Context(), "apron/web", "b"), a.Untag(t.Context(), "apron/web", "b")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Collect(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if left := slices.Concat(files(t, dir+"/layers"), files(t, dir+"/blobs/sha256"), files(t, dir+"/images")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestImport_MakesAnImageOfARootFileSystem(t *testing.T) {
	s, a, dir := newStore(t)
	rootfs := imagetest.Tar(t, symlink("./bin", "usr/bin"), file("./usr/bin/sh", "#!"), device("./dev/null", tar.TypeChar, 1, 3))
	n := image.NewImage{Created: created, Env: []string{"PATH=/bin"}, Repo: "apron/runtime/python311", Tag: "3.11.2"}
	dig, err := a.Import(t.Context(), bytes.NewReader(rootfs), n)
	if err != nil {
		t.Fatal(err)
	}
	if zipped, err := a.Import(t.Context(), bytes.NewReader(gzipped(t, rootfs)), n); err != nil || zipped != dig {
		t.Errorf("compressed it is %s, %v", zipped, err)
	}
	img, err := s.Image(t.Context(), dig)
	if err != nil || len(img.Layers) != 1 || !slices.Equal(img.Env, n.Env) {
		t.Fatalf("%+v, %v", img, err)
	}
	if got := readFile(t, img.Layers[0], "bin/sh"); got != "#!" || len(files(t, img.Layers[0]+"/usr/bin")) != 1 {
		t.Errorf("the program is %q", got)
	}
	if pulledDig, _ := pulled(t, s, "apron/runtime/python311:3.11.2"); pulledDig != dig {
		t.Errorf("pulled %s", pulledDig)
	}
	on := commit(t, a, image.NewImage{Base: dig, Layers: []image.Tree{{Dir: upper(t)}}, Repo: "web", Tag: "v1"})
	if got := layersOf(t, s, on); len(got) != 2 || got[0] != img.Layers[0] {
		t.Errorf("on top of it: %v", got)
	}
	if n := len(files(t, dir+"/blobs/sha256")); n != 6 {
		t.Errorf("%d blobs, want two layers, two configurations, two manifests", n)
	}
	for want, data := range map[string][]byte{"cannot be used": []byte(strings.Repeat("no tar", 1000)), "no files": {}} {
		if _, err := a.Import(t.Context(), bytes.NewReader(data), n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if left := files(t, dir+"/tmp"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
