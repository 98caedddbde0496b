package image_test

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"apron/image"

	"golang.org/x/sys/unix"
)

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
