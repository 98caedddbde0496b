package image_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"apron/image"
	"apron/image/imagetest"

	"github.com/google/go-containerregistry/pkg/crane"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"golang.org/x/sys/unix"
)

var created = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// capability is CAP_NET_BIND_SERVICE, permitted, as an attribute.
const capability = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// upper is a directory as overlayfs leaves it: changed files of all kinds, removed ones, a replaced directory, and marks
// of overlayfs's own.
func upper(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	listener, err := net.Listen("unix", filepath.Join(dir, "sock"))
	if err != nil {
		t.Fatal(err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	old := time.Date(2001, 1, 1, 0, 0, 0, 5, time.UTC)
	for _, err := range []error{
		listener.Close(),
		os.MkdirAll(at("app/replaced/deep"), 0o755), os.MkdirAll(at("var/cache"), 0o755), os.Mkdir(at("app/empty"), 0o700),
		os.WriteFile(at("app/file"), []byte("content"), 0o640), os.Chtimes(at("app/file"), old, old), os.Chown(at("app/file"), 1000, 50),
		os.WriteFile(at("app/"+strings.Repeat("long", 50)), []byte(strings.Repeat("x", 100_000)), 0o644),
		os.WriteFile(at("app/suid"), nil, 0o755), os.Chmod(at("app/suid"), 0o755|fs.ModeSetuid),
		os.Link(at("app/file"), at("app/a-link")), os.Link(at("app/file"), at("var/link")),
		os.Symlink("../etc/shadow", at("app/symlink")),
		os.WriteFile(at("var/cache/file"), []byte("cached"), 0o644),
		unix.Mknod(at("app/gone"), unix.S_IFCHR, 0), unix.Mknod(at("null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))),
		unix.Mkfifo(at("app/fifo"), 0o600),
		unix.Setxattr(at("app/replaced"), "trusted.overlay.opaque", []byte("y"), 0),
		unix.Setxattr(at("app/replaced"), "trusted.overlay.origin", []byte("whatever"), 0),
		unix.Setxattr(at("app"), "trusted.overlay.impure", []byte("y"), 0),
		unix.Setxattr(at("app/suid"), "security.capability", []byte(capability), 0),
		unix.Setxattr(at("app/file"), "user.note", []byte("a note"), 0),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// newStore is a store of an owner's account.
func newStore(t testing.TB) (*image.Store, image.Account, string) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, nil)
	return s, s.Account(""), dir
}

func commit(t testing.TB, a image.Account, n image.NewImage) string {
	t.Helper()
	if n.Created.IsZero() {
		n.Created = created
	}
	d, err := a.Commit(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func layersOf(t testing.TB, s *image.Store, dig string) []string {
	t.Helper()
	img, err := s.Image(t.Context(), dig)
	if err != nil {
		t.Fatal(err)
	}
	return img.Layers
}

// listing tells all that a layer says of its files, one line each.
func listing(t testing.TB, dir string) string {
	t.Helper()
	var out strings.Builder
	names := map[uint64]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		st, name := info.Sys().(*syscall.Stat_t), strings.TrimPrefix(path, dir+"/")
		fmt.Fprintf(&out, "%s %v %d:%d", name, info.Mode(), st.Uid, st.Gid)
		if st.Mode&unix.S_IFMT == unix.S_IFCHR {
			fmt.Fprintf(&out, " %d", st.Rdev)
		} else {
			fmt.Fprintf(&out, " %d.%09d", st.Mtim.Sec, st.Mtim.Nsec)
		}
		if first, ok := names[st.Ino]; ok && st.Mode&unix.S_IFMT == unix.S_IFREG {
			fmt.Fprintf(&out, " link to %s", first)
		}
		names[st.Ino] = name
		for _, attr := range []string{"trusted.overlay.opaque", "trusted.overlay.origin", "trusted.overlay.impure", "security.capability", "user.note"} {
			var value [64]byte
			if n, err := unix.Lgetxattr(path, attr, value[:]); err == nil {
				fmt.Fprintf(&out, " %s=%q", attr, value[:n])
			}
		}
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, " %.20q %d", data, len(data))
		}
		fmt.Fprintln(&out)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// pulled is the one new layer of an image as an unpacker of its blob sees it: another store pulls it.
func pulled(t testing.TB, s *image.Store, ref string) (dig, list string) {
	t.Helper()
	host := embedded(t, s)
	other, _, _ := newStore(t)
	dig, err := other.Pull(t.Context(), host+"/"+ref, nil)
	if err != nil {
		t.Fatal(err)
	}
	layers := layersOf(t, other, dig)
	return dig, listing(t, layers[len(layers)-1])
}

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
	if err := s.Remove(t.Context(), dig); err != nil {
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
