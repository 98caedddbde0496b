package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"apron/image"
	"apron/image/imagetest"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/stream"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/sys/unix"
)

type entry = imagetest.Entry

func file(name, body string) entry {
	return entry{Header: tar.Header{Name: name, Mode: 0o644}, Body: []byte(body)}
}

func dir(name string) entry {
	return entry{Header: tar.Header{Name: name + "/", Typeflag: tar.TypeDir, Mode: 0o755}}
}

func symlink(name, to string) entry {
	return entry{Header: tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to, Mode: 0o777}}
}

func hardlink(name, to string) entry {
	return entry{Header: tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: to, Mode: 0o644}}
}

func device(name string, kind byte, major, minor int64) entry {
	return entry{Header: tar.Header{Name: name, Typeflag: kind, Devmajor: major, Devminor: minor, Mode: 0o666}}
}

// pullLayers pushes an image of these layers to a registry and pulls it.
func pullLayers(t testing.TB, s *image.Store, layers ...v1.Layer) (image.Image, error) {
	t.Helper()
	host := remoteRegistry(t)
	imagetest.Push(t, imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{}, layers...), host+"/test:v1", nil)
	d, err := s.Pull(t.Context(), host+"/test:v1", nil)
	if err != nil {
		return image.Image{}, err
	}
	img, err := s.Image(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return img, nil
}

// TestPull_HostileLayersDoNotEscape unpacks attacks beside a directory with a canary, which must stay as it is. Whether the
// attack is refused or ends harmlessly inside the layer is the unpacker's choice, stated in each case.
func TestPull_HostileLayersDoNotEscape(t *testing.T) {
	up := strings.Repeat("../", 12)
	cases := []struct {
		name    string
		refused bool
		layer   func(canary string) []entry
	}{
		{"dotdot name", true, func(c string) []entry { return []entry{file(up+c+"/evil", "x")} }},
		{"dotdot in the middle", true, func(c string) []entry { return []entry{dir("a"), file("a/"+up+c+"/evil", "x")} }},
		{"absolute name", false, func(c string) []entry { return []entry{file(c+"/evil", "x")} }},
		{"write through absolute symlink", false, func(c string) []entry { return []entry{symlink("l", c), file("l/evil", "x"), file("l/canary", "x")} }},
		{"write through relative symlink", true, func(c string) []entry { return []entry{symlink("l", up+c[1:]), file("l/evil", "x")} }},
		{"symlink replaced by a file of its name", false, func(c string) []entry { return []entry{symlink("l", c+"/canary"), file("l", "x")} }},
		{"directory in a symlink's place, open to all", false, func(c string) []entry {
			d := dir("l")
			d.Mode = 0o777
			return []entry{symlink("l", c), d}
		}},
		{"hard link to an absolute path", true, func(c string) []entry { return []entry{hardlink("h", c+"/canary"), file("h", "x")} }},
		{"hard link to a dotdot path", true, func(c string) []entry { return []entry{hardlink("h", up+c+"/canary")} }},
		{"hard link to a symlink to outside, then chmod", false, func(c string) []entry {
			return []entry{symlink("s", c+"/canary"), hardlink("h", "s"), file("h", "x")}
		}},
		{"chain of symlinks that climbs", true, func(c string) []entry {
			return []entry{dir("a"), symlink("a/b", ".."), symlink("a/b/c", "../.."), file("a/b/c/"+c+"/evil", "x")}
		}},
		{"whiteout of the parent", true, func(string) []entry { return []entry{dir("a"), file("a/.wh...", "")} }},
		{"whiteout of nothing", true, func(string) []entry { return []entry{file("a/.wh.", "")} }},
		{"whiteout through a symlink", false, func(c string) []entry { return []entry{symlink("l", c), file("l/.wh.canary", "")} }},
		{"opaque mark through a symlink", false, func(c string) []entry { return []entry{symlink("l", c), file("l/.wh..wh..opq", "")} }},
		{"negative owner", true, func(string) []entry {
			e := file("a", "x")
			e.Uid, e.Format = -1, tar.FormatPAX
			return []entry{e}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			outside := filepath.Join(t.TempDir(), "outside")
			if err := errors.Join(os.Mkdir(outside, 0o700), os.WriteFile(outside+"/canary", []byte("alive"), 0o600)); err != nil {
				t.Fatal(err)
			}
			s := open(t, t.TempDir(), nil)
			_, err := pullLayers(t, s, imagetest.Layer(t, c.layer(outside)...))
			if _, invalid := errors.AsType[*image.InvalidError](err); invalid != c.refused || (err != nil && !invalid) {
				t.Errorf("refused is %v, want %v; error: %v", invalid, c.refused, err)
			}
			requireUntouched(t, outside)
		})
	}
}

func requireUntouched(t *testing.T, outside string) {
	t.Helper()
	var st, dirst unix.Stat_t
	if err := errors.Join(unix.Lstat(outside+"/canary", &st), unix.Lstat(outside, &dirst)); err != nil {
		t.Fatal(err)
	}
	if readFile(t, outside, "canary") != "alive" || st.Mode != unix.S_IFREG|0o600 || st.Nlink != 1 {
		t.Errorf("the canary was touched: mode %o, %d links", st.Mode, st.Nlink)
	}
	if got := files(t, outside); !slices.Equal(got, []string{"canary"}) || dirst.Mode&0o777 != 0o700 {
		t.Errorf("the directory outside was touched: %v, mode %o", got, dirst.Mode)
	}
	if n, _ := unix.Listxattr(outside, make([]byte, 1024)); n > 0 {
		t.Error("the directory outside got extended attributes")
	}
}

func TestPull_LeavesOutWhatALayerMustNotBring(t *testing.T) {
	marked := dir("marked")
	marked.PAXRecords = map[string]string{
		"SCHILY.xattr.trusted.overlay.redirect": "/elsewhere",
		"SCHILY.xattr.trusted.overlay.opaque":   "y",
		"SCHILY.xattr.user.overlay.opaque":      "y",
		"SCHILY.xattr.user.note":                "kept",
	}
	img, err := pullLayers(t, open(t, t.TempDir(), nil), imagetest.Layer(t, marked,
		device("disk", tar.TypeBlock, 8, 0), device("mem", tar.TypeChar, 1, 1), device("fake-whiteout", tar.TypeChar, 0, 0),
		file(".wh..wh.plnk/1.2", "x"), file("kept", "x")))
	if err != nil {
		t.Fatal(err)
	}
	root := img.Layers[0]
	if got := files(t, root); !slices.Equal(got, []string{"kept", "marked"}) {
		t.Errorf("layer holds %v", got)
	}
	buf := make([]byte, 1024)
	n, err := unix.Llistxattr(filepath.Join(root, "marked"), buf)
	if err != nil || string(buf[:n]) != "user.note\x00" {
		t.Errorf("extended attributes are %q, %v", buf[:max(n, 0)], err)
	}
}

func TestPull_KeepsModesOwnersLinksAndNames(t *testing.T) {
	setuid := file("bin/su", "x")
	setuid.Mode, setuid.Uid, setuid.Gid = 0o4755, 0, 42
	capable := file("bin/ping", "x")
	caps := "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	capable.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": caps}
	sticky := dir("tmp")
	sticky.Mode = 0o1777
	long := strings.Repeat("long/", 30) + "ünïcode\tname"
	fifo := entry{Header: tar.Header{Name: "fifo", Typeflag: tar.TypeFifo, Mode: 0o600}}
	img, err := pullLayers(t, open(t, t.TempDir(), nil), imagetest.Layer(t, dir("bin"), setuid, capable, sticky,
		file(long, "deep"), symlink("lib", "/usr/lib"), file("a", "a"), hardlink("b", "/a"), fifo))
	if err != nil {
		t.Fatal(err)
	}
	root := img.Layers[0]
	for name, want := range map[string]uint32{"bin/su": unix.S_IFREG | 0o4755, "tmp": unix.S_IFDIR | 0o1777, "fifo": unix.S_IFIFO | 0o600, ".": unix.S_IFDIR | 0o755} {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(root, name), &st); err != nil || st.Mode != want {
			t.Errorf("%s has mode %o, %v, want %o", name, st.Mode, err, want)
		}
	}
	var su, a, b unix.Stat_t
	if err := errors.Join(unix.Lstat(root+"/bin/su", &su), unix.Lstat(root+"/a", &a), unix.Lstat(root+"/b", &b)); err != nil {
		t.Fatal(err)
	}
	if su.Gid != 42 || a.Ino != b.Ino {
		t.Errorf("owner %d, inodes %d and %d", su.Gid, a.Ino, b.Ino)
	}
	buf := make([]byte, 64)
	if n, err := unix.Lgetxattr(root+"/bin/ping", "security.capability", buf); err != nil || string(buf[:n]) != caps {
		t.Errorf("file capability %q, %v", buf[:max(0, n)], err)
	}
	if to, _ := os.Readlink(root + "/lib"); to != "/usr/lib" || readFile(t, root, long) != "deep" {
		t.Errorf("symlink leads to %q", to)
	}
}

func TestPull_WhiteoutsHideInAnOverlay(t *testing.T) {
	lower := imagetest.Layer(t, file("gone", "1"), file("stays", "1"), file("opaque/old", "1"), file("reborn/old", "1"), file("implied/old", "1"))
	upper := imagetest.Layer(t, file(".wh.gone", ""), dir("opaque"), file("opaque/.wh..wh..opq", ""), file("opaque/new", "2"),
		file(".wh.reborn", ""), dir("reborn"), file("reborn/new", "2"), file(".wh.implied", ""), file("implied/new", "2"))
	img, err := pullLayers(t, open(t, t.TempDir(), nil), lower, upper)
	if err != nil {
		t.Fatal(err)
	}
	merged := t.TempDir()
	opts := fmt.Sprintf("lowerdir=%s:%s", img.Layers[1], img.Layers[0])
	if err := unix.Mount("overlay", merged, "overlay", unix.MS_RDONLY, opts); err != nil {
		t.Skipf("cannot mount an overlay here: %v", err)
	}
	defer unix.Unmount(merged, unix.MNT_DETACH)
	if got := files(t, merged); !slices.Equal(got, []string{"implied", "opaque", "reborn", "stays"}) {
		t.Errorf("merged root holds %v", got)
	}
	for _, d := range []string{"opaque", "reborn", "implied"} {
		if got := files(t, filepath.Join(merged, d)); !slices.Equal(got, []string{"new"}) {
			t.Errorf("%s holds %v, want the new alone", d, got)
		}
	}
}

func TestPull_StopsDecompressionBombs(t *testing.T) {
	const limit = 1 << 20
	zeros := make([]byte, 8<<20)
	cases := map[string][]byte{
		"one large file":     imagetest.Tar(t, file("a", "x"), entry{Header: tar.Header{Name: "bomb", Mode: 0o644}, Body: zeros}),
		"junk after the end": append(imagetest.Tar(t, file("a", "x")), make([]byte, 80<<20)...),
		"a sparse file":      sparseTar(1 << 40),
	}
	for name, stream := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, func(c *image.Config) { c.MaxUnpacked = limit })
			_, err := pullLayers(t, s, raw(t, gzipped(t, stream), stream))
			e, ok := errors.AsType[*image.TooLargeError](err)
			if !ok || e.Limit != limit || !strings.Contains(err.Error(), "/test:v1") {
				t.Fatalf("error is %v, want a TooLargeError that names the image", err)
			}
			if left := append(files(t, dir+"/tmp"), files(t, dir+"/layers")...); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestPull_CountsAllLayersAgainstTheLimit(t *testing.T) {
	s := open(t, t.TempDir(), func(c *image.Config) { c.MaxUnpacked = 1000 })
	one, two := imagetest.Layer(t, file("a", strings.Repeat("a", 600))), imagetest.Layer(t, file("b", strings.Repeat("b", 600)))
	for _, l := range []v1.Layer{one, two} {
		if _, err := pullLayers(t, s, l); err != nil {
			t.Fatalf("one layer alone: %v", err)
		}
	}
	_, err := pullLayers(t, s, one, two)
	if _, ok := errors.AsType[*image.TooLargeError](err); !ok {
		t.Errorf("both layers, unpacked before: error is %v, want a TooLargeError", err)
	}
}

func TestPull_TakesEveryCompression(t *testing.T) {
	stream := imagetest.Tar(t, file("a", "content"))
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(stream)), nil }
	zst, err := tarball.LayerFromOpener(opener, tarball.WithCompression(compression.ZStd), tarball.WithMediaType("application/vnd.oci.image.layer.v1.tar+zstd"))
	if err != nil {
		t.Fatal(err)
	}
	for name, layer := range map[string]v1.Layer{"gzip": imagetest.Compressed(t, stream), "zstd": zst, "plain": raw(t, stream, stream), "empty": imagetest.Layer(t)} {
		t.Run(name, func(t *testing.T) {
			img, err := pullLayers(t, open(t, t.TempDir(), nil), layer)
			if err != nil {
				t.Fatal(err)
			}
			if got := files(t, img.Layers[0]); name != "empty" && !slices.Equal(got, []string{"a"}) {
				t.Errorf("layer holds %v", got)
			}
		})
	}
}

func TestPull_RefusesDamagedLayers(t *testing.T) {
	good := imagetest.Tar(t, file("a", strings.Repeat("content ", 10000)))
	cases := map[string]v1.Layer{
		"truncated gzip":   raw(t, gzipped(t, good)[:40], good),
		"truncated tar":    raw(t, good[:5000], good[:5000]),
		"no tar":           raw(t, []byte(strings.Repeat("hello", 500)), []byte(strings.Repeat("hello", 500))),
		"another diffID":   raw(t, gzipped(t, good), imagetest.Tar(t, file("b", "other"))),
		"link to nowhere":  imagetest.Layer(t, hardlink("a", "nowhere")),
		"file as a parent": imagetest.Layer(t, file("a", "x"), file("a/b", "x")),
	}
	for name, layer := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := pullLayers(t, open(t, dir, nil), layer)
			if _, ok := errors.AsType[*image.InvalidError](err); !ok || !strings.Contains(err.Error(), "/test:v1") {
				t.Fatalf("error is %v, want an InvalidError that names the image", err)
			}
			if left := append(files(t, dir+"/tmp"), append(files(t, dir+"/layers"), files(t, dir+"/images")...)...); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestPull_StacksEqualLayersOnce(t *testing.T) {
	a, b := imagetest.Layer(t, file("a", "1")), imagetest.Layer(t, file(".wh.a", ""))
	img, err := pullLayers(t, open(t, t.TempDir(), nil), a, b, a)
	if err != nil {
		t.Fatal(err)
	}
	if len(img.Layers) != 2 || readFile(t, img.Layers[1], "a") != "1" {
		t.Errorf("layers are %v, want the whiteout below the file", img.Layers)
	}
}

// rawLayer is a blob with a diffID that need not fit.
type rawLayer struct {
	v1.Layer
	blob   []byte
	diffID v1.Hash
}

func raw(t testing.TB, blob, plain []byte) v1.Layer {
	t.Helper()
	diffID, _, err := v1.SHA256(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	return &rawLayer{Layer: stream.NewLayer(nil), blob: blob, diffID: diffID}
}

func (l *rawLayer) Digest() (v1.Hash, error) {
	h, _, err := v1.SHA256(bytes.NewReader(l.blob))
	return h, err
}
func (l *rawLayer) DiffID() (v1.Hash, error) { return l.diffID, nil }
func (l *rawLayer) Size() (int64, error)     { return int64(len(l.blob)), nil }
func (l *rawLayer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.blob)), nil
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// sparseTar is a file in GNU's old sparse format: all hole, size bytes long, one block of tar.
func sparseTar(size int64) []byte {
	h := make([]byte, 512)
	copy(h, "sparse")
	copy(h[100:], "0000644\x00")
	copy(h[108:], "0000000\x00")
	copy(h[116:], "0000000\x00")
	copy(h[124:], "00000000000\x00")
	copy(h[136:], "00000000000\x00")
	copy(h[148:], "        ")
	h[156] = tar.TypeGNUSparse
	copy(h[257:], "ustar  \x00")
	// The real size, in base 256 since it does not fit eleven octal digits.
	h[483] = 0x80
	for i := range 8 {
		h[494-i] = byte(size >> (8 * i))
	}
	var sum int
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return append(h, make([]byte, 1024)...)
}
