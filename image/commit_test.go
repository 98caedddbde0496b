package image_test

import (
	"archive/tar"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"apron/image"
	"apron/image/imagetest"

	"github.com/google/go-containerregistry/pkg/crane"
	"golang.org/x/sys/unix"
)

var created = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// capability is CAP_NET_BIND_SERVICE, permitted, as an attribute.
const capability = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func TestCommit_AMovedACopiedAndAPulledLayerAreTheSame(t *testing.T) {
	s1, a1, dir1 := newStore(t)
	s2, a2, _ := newStore(t)
	copied := commit(t, a1, image.NewImage{Layers: []image.Tree{{Dir: upper(t)}}, Repo: "web", Tag: "v1"})
	tree := upper(t)
	moved := commit(t, a2, image.NewImage{Layers: []image.Tree{{Dir: tree, Move: true}}, Repo: "web", Tag: "v1"})
	dig, want := pulled(t, s1, "web:v1")
	if copied != moved || dig != copied {
		t.Errorf("digests: copied %s, moved %s, pulled %s", copied, moved, dig)
	}
	if len(files(t, tree)) != 0 {
		t.Errorf("not moved: %v", files(t, tree))
	}
	for what, s := range map[string]*image.Store{"copied": s1, "moved": s2} {
		if got := listing(t, layersOf(t, s, copied)[0]); got != want {
			t.Errorf("%s:\n%s\nwant what is pulled:\n%s", what, got, want)
		}
	}
	if left := files(t, dir1+"/tmp"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	for _, line := range []string{
		`app/file -rw-r----- 1000:50 978307200.000000000 link to app/a-link user.note="a note" "content" 7`, `app/gone Dc--------- 0:0 0`,
		`app/replaced drwxr-xr-x 0:0 1772600767.000000000 trusted.overlay.opaque="y"`,
		`app/suid urwxr-xr-x 0:0 1772600767.000000000 security.capability="\x01`,
		`app/symlink Lrwxrwxrwx 0:0 1772600767.000000000`, `app/fifo prw-------`, `var/link -rw-r----- 1000:50 978307200.000000000 link to app/`,
	} {
		if !strings.Contains(want, "\n"+line) {
			t.Errorf("the layer lacks %q:\n%s", line, want)
		}
	}
	for _, name := range []string{"sock", "null", "origin", "impure"} {
		if strings.Contains(want, name) {
			t.Errorf("the layer has %s:\n%s", name, want)
		}
	}
}

func TestCommit_TheSameInputIsTheSameDigest(t *testing.T) {
	_, a, dir := newStore(t)
	n := image.NewImage{Layers: []image.Tree{{Dir: upper(t)}}, Env: []string{"A=1"}, Cmd: []string{"/app/file"}, Labels: map[string]string{"x": "1", "a": "2"}}
	first := commit(t, a, n)
	n.Layers = []image.Tree{{Dir: upper(t)}} // written later
	if again := commit(t, a, n); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	if n := len(files(t, dir+"/layers")); n != 1 {
		t.Errorf("%d layers", n)
	}
	n.Created = created.Add(time.Second)
	if other := commit(t, a, n); other == first {
		t.Error("another time is the same digest")
	}
}

func TestCommit_SkopeoTakesIt(t *testing.T) {
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		t.Skip("skopeo is not installed")
	}
	s, a, _ := newStore(t)
	dig := commit(t, a, image.NewImage{Layers: []image.Tree{{Dir: upper(t)}}, Repo: "web", Tag: "v1"})
	to := filepath.Join(t.TempDir(), "layout")
	out, err := exec.CommandContext(t.Context(), skopeo, "--insecure-policy", "copy", "--preserve-digests", "--src-tls-verify=false", "docker://"+embedded(t, s)+"/web:v1", "oci:"+to+":v1").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if index := readFile(t, to, "index.json"); !strings.Contains(index, dig) {
		t.Errorf("the index has not %s: %s", dig, index)
	}
}

func TestCommit_OnlyTakesSubtreesAsTheyAreSeen(t *testing.T) {
	for what, c := range map[string]struct {
		only []string
		want string
	}{
		"one":                        {[]string{"var"}, "var/ var/cache/ var/cache/file var/link"},
		"deep":                       {[]string{"var/cache"}, "var/ var/cache/ var/cache/file"},
		"one in another":             {[]string{"var/cache", "var", "var"}, "var/ var/cache/ var/cache/file var/link"},
		"two of one parent":          {[]string{"app/file", "app/empty"}, "app/ app/empty/ app/file"},
		"removed":                    {[]string{"app/gone/below"}, "app/ app/gone/.wh.below"},
		"not there":                  {[]string{"app/none", "null"}, "app/"},
		"below a replaced directory": {[]string{"app/replaced/deep"}, "app/ app/replaced/ app/replaced/deep/ app/replaced/deep/.wh..wh..opq"},
		"gone with what was there":   {[]string{"app/replaced/none"}, "app/ app/replaced/ app/replaced/.wh.none"},
	} {
		s, a, _ := newStore(t)
		commit(t, a, image.NewImage{Layers: []image.Tree{{Dir: upper(t), Only: c.only}}, Repo: "web", Tag: "v1"})
		img, err := crane.Pull(embedded(t, s) + "/web:v1")
		if err != nil {
			t.Fatal(err)
		}
		layers, err := img.Layers()
		if err != nil {
			t.Fatal(err)
		}
		plain, err := layers[0].Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for tr := tar.NewReader(plain); ; {
			hdr, err := tr.Next()
			if err != nil {
				break
			}
			if hdr.Uname != "" || hdr.Gname != "" || !hdr.AccessTime.IsZero() || !hdr.ChangeTime.IsZero() {
				t.Errorf("%s: the header %+v would differ elsewhere", what, hdr)
			}
			names = append(names, hdr.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
}

func TestCommit_RefusesWhatIsNoImage(t *testing.T) {
	_, a, dir := newStore(t)
	bad := t.TempDir()
	if err := os.WriteFile(filepath.Join(bad, ".wh.file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, n := range map[string]image.NewImage{
		"no time of creation":    {Layers: []image.Tree{{Dir: upper(t)}}},
		"would have no files":    {Created: created, Layers: []image.Tree{{Dir: t.TempDir()}}},
		"no directory inside":    {Created: created, Layers: []image.Tree{{Dir: upper(t), Only: []string{"../etc"}}}},
		"no repository name":     {Created: created, Layers: []image.Tree{{Dir: upper(t)}}, Repo: "Web"},
		"is no tag":              {Created: created, Layers: []image.Tree{{Dir: upper(t)}}, Repo: "web", Tag: "a/b"},
		"is no sha256 digest":    {Created: created, Base: "v1", Layers: []image.Tree{{Dir: upper(t)}}},
		"is not on this machine": {Created: created, Base: "sha256:" + strings.Repeat("0", 64), Layers: []image.Tree{{Dir: upper(t)}}},
		"means a removed file":   {Created: created, Layers: []image.Tree{{Dir: bad}}},
		"no such file":           {Created: created, Layers: []image.Tree{{Dir: filepath.Join(bad, "none")}}},
	} {
		if d, err := a.Commit(t.Context(), n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v", want, d, err)
		}
	}
	if left := slices.Concat(files(t, dir+"/layers"), files(t, dir+"/tmp"), files(t, dir+"/images"), files(t, dir+"/repos"), files(t, dir+"/blobs/sha256")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCommit_HoldsToTheLimitOfSize(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir, func(c *image.Config) { c.MaxUnpacked = 50_000 }).Account("")
	for _, move := range []bool{false, true} {
		_, err := a.Commit(t.Context(), image.NewImage{Created: created, Layers: []image.Tree{{Dir: upper(t), Move: move}}, Repo: "web", Tag: "v1"})
		if _, ok := errors.AsType[*image.TooLargeError](err); !ok || !strings.Contains(err.Error(), "image web:v1 is too large") {
			t.Errorf("%v", err)
		}
	}
	if left := slices.Concat(files(t, dir+"/layers"), files(t, dir+"/tmp"), files(t, dir+"/images")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestPull_AFullDiskIsNoFaultOfTheRegistry wherever the pull meets it: in a blob on its way here, or in unpacking it.
func TestPull_AFullDiskIsNoFaultOfTheRegistry(t *testing.T) {
	host := remoteRegistry(t)
	imagetest.Push(t, bigImage(t), host+"/big:v1", nil)
	for _, size := range []string{"size=2m", "size=5m"} { // the blob and the layer have 3 MiB each
		dir := t.TempDir()
		open(t, t.TempDir(), nil) // skips without root
		if err := unix.Mount("apron-test", dir, "tmpfs", 0, size); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
		_, err := open(t, dir, nil).Pull(t.Context(), host+"/big:v1", nil)
		if _, network := errors.AsType[*image.UnreachableError](err); network || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free space on the disk") {
			t.Errorf("%s: %v", size, err)
		}
	}
}

func TestCommit_AFullDiskLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	open(t, t.TempDir(), nil) // skips without root
	if err := unix.Mount("apron-test", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	s := open(t, dir, nil)
	tree := t.TempDir()
	for n := range 8 { // of which about six are too many; nothing of it compresses
		if err := os.WriteFile(filepath.Join(tree, fmt.Sprint(n)), noise(200<<10, int64(n)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, move := range []bool{false, true} {
		_, err := s.Account("").Commit(t.Context(), image.NewImage{Created: created, Layers: []image.Tree{{Dir: tree, Move: move}}, Repo: "web", Tag: "v1"})
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free space on the disk") {
			t.Errorf("%v", err)
		}
	}
	for _, part := range []string{"tmp", "layers", "images", "repos", "blobs/sha256"} {
		if left := files(t, filepath.Join(dir, part)); len(left) != 0 {
			t.Errorf("%s has %v", part, left)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCommit_ManyAtOnceAndACollectorShareTheirWork(t *testing.T) {
	s, a, dir := newStore(t)
	stop, collected := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				collected <- nil
				return
			default:
			}
			if _, err := s.Collect(t.Context(), nil); err != nil {
				collected <- err
				return
			}
		}
	}()
	var wg sync.WaitGroup
	for n := range 6 {
		tree := upper(t)
		wg.Go(func() {
			d, err := a.Commit(t.Context(), image.NewImage{Created: created, Layers: []image.Tree{{Dir: tree, Move: n%2 == 0}}, Repo: "web", Tag: fmt.Sprint("v", n)})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := a.Pull(t.Context(), fmt.Sprint("web:v", n), nil); err != nil { // Collect may have taken the record, not what the tag needs
				t.Errorf("%s: %v", d, err)
			}
		})
	}
	wg.Wait()
	close(stop)
	if err := <-collected; err != nil {
		t.Error(err)
	}
	if left := files(t, dir+"/tmp"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
