package image_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"apron/image"
	"apron/image/imagetest"

	"github.com/google/go-containerregistry/pkg/crane"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// Many a base has files whose directories have no entry of their own, or only after them. When it was unpacked is in no digest.
func TestCommit_OnABaseWithoutDirectoriesIsTheSameDigestEverywhere(t *testing.T) {
	host := remoteRegistry(t)
	imagetest.Push(t, imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{}, imagetest.Layer(t,
		dir("named"), file("named/not/file", "x"), file("deep/er/file", "x"), file("late/file", "x"), dir("late"),
		symlink("link", "deep"), file("link/by/it", "x"), file("gone/file", "x"), file("gone", "x"))), host+"/base:v1", nil)
	var digests, lists []string
	for range 2 {
		s, a, _ := newStore(t)
		base, err := a.Pull(t.Context(), host+"/base:v1", nil)
		if err != nil {
			t.Fatal(err)
		}
		lists = append(lists, listing(t, layersOf(t, s, base)[0]))
		digests = append(digests, commit(t, a, image.NewImage{Base: base, Layers: []image.Tree{{Dir: upper(t)}}}))
		time.Sleep(1100 * time.Millisecond) // the next is unpacked in another second
	}
	if digests[0] != digests[1] || lists[0] != lists[1] {
		t.Errorf("%v of\n%s\nand\n%s", digests, lists[0], lists[1])
	}
	for _, name := range []string{"named", "named/not", "deep", "deep/er", "deep/by", "late"} {
		if !strings.Contains("\n"+lists[0], "\n"+name+" drwxr-xr-x 0:0 0.000000000\n") {
			t.Errorf("%s is not as it should be:\n%s", name, lists[0])
		}
	}
}

func TestCommit_LiesOnItsBaseAndIsServedWithIt(t *testing.T) {
	s, a, _ := newStore(t)
	host := remoteRegistry(t)
	imagetest.Push(t, imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{Env: []string{"PATH=/bin", "FROM=base"}, User: "1000", Entrypoint: []string{"/entry"}},
		imagetest.Layer(t, file("base/kept", "kept"), file("app/gone", "gone"), device("dev/null", tar.TypeChar, 1, 3)), imagetest.Layer(t, file(".wh.absent", ""))), host+"/base:v1", nil)
	base, err := s.Pull(t.Context(), host+"/base:v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := image.NewImage{Base: base, Layers: []image.Tree{{Dir: upper(t), Only: []string{"/app/"}}}, Env: []string{"FROM=commit", "NEW=1"}, Cmd: []string{"run"}, WorkingDir: "/app", Repo: "apron/web", Tag: "abc"}
	dig := commit(t, a, n)
	img, err := s.Image(t.Context(), dig)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(img.Env, img.Entrypoint, img.Cmd, img.User, img.WorkingDir); got != "[PATH=/bin FROM=commit NEW=1] [] [run]/app" {
		t.Errorf("configuration %s", got)
	}
	if below := layersOf(t, s, base); len(img.Layers) != 3 || !slices.Equal(img.Layers[:2], below) {
		t.Errorf("layers %v on top of %v", img.Layers, below)
	}
	if got := files(t, img.Layers[2]); !slices.Equal(got, []string{"app"}) {
		t.Errorf("the new layer has %v", got)
	}
	back, err := crane.Pull(embedded(t, s) + "/apron/web:abc")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(back); err != nil {
		t.Errorf("what comes back: %v", err)
	}
	if got, want := extracted(t, back), "app app/a-link app/empty app/fifo app/file app/"+strings.Repeat("long", 50)+" app/replaced app/replaced/deep app/suid app/symlink base base/kept"; got != want {
		t.Errorf("the image as a whole has\n%s, want\n%s", got, want)
	}
	if _, err := s.Remove(t.Context(), dig); err != nil {
		t.Fatal(err)
	}
	if again, err := a.Pull(t.Context(), "apron/web:abc", nil); err != nil || again != dig {
		t.Errorf("pulled from the registry: %s, %v", again, err)
	}
	if again := commit(t, a, n); again != dig {
		t.Errorf("committed again: %s, want %s", again, dig)
	}
}

// extracted lists an image's files with whiteouts applied, as docker export does.
func extracted(t *testing.T, img v1.Image) string {
	t.Helper()
	var flat bytes.Buffer
	if err := crane.Export(img, &flat); err != nil {
		t.Fatal(err)
	}
	var names []string
	for tr := tar.NewReader(&flat); ; {
		hdr, err := tr.Next()
		if err != nil {
			break
		}
		names = append(names, hdr.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
