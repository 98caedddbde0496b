package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	archive "github.com/moby/go-archive"
	"golang.org/x/sys/unix"
)

// treeWriter writes a directory as the tar stream of a layer, always the same for the same content: sorted by name, with
// no user names and no times but that of the last change, in whole seconds. (go-archive writes such streams too, but
// knows no limit on times and takes no part of a tree.)
type treeWriter struct {
	ctx     context.Context
	tw      *tar.Writer
	dir     string
	created time.Time // no entry is younger; the zero time is no limit
	settle  bool      // bring the files on the disk to what the stream says of them, so that they can be the layer
	budget  *budget

	links   map[inode]string // the first name of each file that has several
	content int64
	entries int
}

// inode tells files apart that have several names.
type inode struct{ dev, ino uint64 }

// write writes the subtrees, or all.
func (t *treeWriter) write(only []string) error {
	t.links = map[inode]string{}
	if only == nil {
		return t.children(".")
	}
	subtrees, err := outermost(only)
	if err != nil {
		return err
	}
	parents := map[string]bool{}
	for _, name := range subtrees {
		if err := t.subtree(name, parents); err != nil {
			return err
		}
	}
	return nil
}

// subtree writes what leads to a subtree, and then that. If nothing leads there, nothing has changed; if what leads there
// was removed or replaced, so was the subtree.
func (t *treeWriter) subtree(name string, parents map[string]bool) error {
	opaque := false
	for at, rest := ".", name; ; {
		first, more, deeper := strings.Cut(rest, "/")
		at, rest = path.Join(at, first), more
		info, err := os.Lstat(filepath.Join(t.dir, at))
		if errors.Is(err, fs.ErrNotExist) {
			return t.missing(name, opaque)
		}
		if err != nil {
			return err
		}
		switch {
		case !deeper:
			return t.entry(at, info, opaque)
		case !info.IsDir():
			return t.whiteout(name)
		}
		if !parents[at] {
			parents[at] = true
			if err := t.header(at, info); err != nil {
				return err
			}
		}
		opaque = opaque || isOpaque(filepath.Join(t.dir, at))
	}
}

func (t *treeWriter) missing(name string, opaque bool) error {
	if opaque {
		return t.whiteout(name)
	}
	return nil
}

func (t *treeWriter) children(name string) error {
	entries, err := os.ReadDir(filepath.Join(t.dir, name))
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		if err := t.entry(path.Join(name, e.Name()), info, false); err != nil {
			return err
		}
	}
	return nil
}

// entry writes what is at a name, with all that is below it. opaque says that nothing of lower layers is to shine through.
func (t *treeWriter) entry(name string, info fs.FileInfo, opaque bool) error {
	if t.ctx.Err() != nil {
		return context.Cause(t.ctx)
	}
	st := info.Sys().(*syscall.Stat_t)
	full := filepath.Join(t.dir, name)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFCHR:
		if st.Rdev == 0 {
			return t.whiteout(name)
		}
		return t.leaveOut(full)
	case unix.S_IFBLK, unix.S_IFSOCK:
		return t.leaveOut(full)
	case unix.S_IFDIR:
		opaque = opaque || isOpaque(full)
	}
	if err := t.header(name, info); err != nil || !info.IsDir() {
		return err
	}
	if opaque {
		if err := t.mark(path.Join(name, archive.WhiteoutOpaqueDir)); err != nil {
			return err
		}
	}
	if err := t.children(name); err != nil || !t.settle {
		return err
	}
	return settleTimes(full, t.time(info)) // again: what was left out has changed it
}

// leaveOut drops what no layer keeps.
func (t *treeWriter) leaveOut(full string) error {
	if !t.settle {
		return nil
	}
	return os.Remove(full)
}

// whiteout says that a lower layer's file is gone.
func (t *treeWriter) whiteout(name string) error {
	dir, base := path.Split(name)
	return t.mark(dir + archive.WhiteoutPrefix + base)
}

func (t *treeWriter) mark(name string) error {
	return t.put(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, ModTime: t.created, Format: tar.FormatPAX})
}

func (t *treeWriter) put(hdr *tar.Header) error {
	if t.entries++; t.entries > maxEntries {
		return tooLarge("number of files in a layer", maxEntries, "files")
	}
	return t.tw.WriteHeader(hdr)
}

// header writes one file, with its content, or the link to it if it was there before under another name.
func (t *treeWriter) header(name string, info fs.FileInfo) error {
	if strings.HasPrefix(path.Base(name), archive.WhiteoutPrefix) {
		return invalid("the file %q has a name that means a removed file in an image; rename it", name)
	}
	full, st := filepath.Join(t.dir, name), info.Sys().(*syscall.Stat_t)
	hdr := &tar.Header{
		Name: name, Mode: int64(st.Mode & 0o7777), Uid: int(st.Uid), Gid: int(st.Gid), ModTime: t.time(info), Format: tar.FormatPAX,
	}
	if first, seen := t.link(name, st); seen {
		hdr.Typeflag, hdr.Linkname = tar.TypeLink, first
		return t.put(hdr)
	}
	var err error
	if hdr.PAXRecords, err = t.attributes(full); err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		hdr.Typeflag, hdr.Name = tar.TypeDir, name+"/"
	case unix.S_IFLNK:
		hdr.Typeflag = tar.TypeSymlink
		if hdr.Linkname, err = os.Readlink(full); err != nil {
			return err
		}
	case unix.S_IFIFO:
		hdr.Typeflag = tar.TypeFifo
	default:
		hdr.Typeflag = tar.TypeReg
		err = t.file(full, hdr, st.Size)
		return errors.Join(err, t.settleFile(full, hdr))
	}
	return errors.Join(t.put(hdr), t.settleFile(full, hdr))
}

// link returns the name under which a file was written before.
func (t *treeWriter) link(name string, st *syscall.Stat_t) (first string, seen bool) {
	if st.Nlink < 2 || st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return "", false
	}
	key := inode{uint64(st.Dev), st.Ino}
	if first, seen = t.links[key]; !seen {
		t.links[key] = name
	}
	return first, seen
}

func (t *treeWriter) file(full string, hdr *tar.Header, size int64) error {
	if err := t.budget.spend(size); err != nil {
		return err
	}
	f, err := os.OpenFile(full, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	hdr.Size = size
	t.content += size
	if err := t.put(hdr); err != nil {
		return err
	}
	if _, err := io.CopyN(t.tw, &cancellable{t.ctx, f}, size); err != nil {
		return fmt.Errorf("read %s: %w", full, err) // shorter than it was: somebody writes to it
	}
	return nil
}

// time is when the file was changed, as the layer has it.
func (t *treeWriter) time(info fs.FileInfo) time.Time {
	at := time.Unix(max(0, info.ModTime().Unix()), 0)
	if !t.created.IsZero() && at.After(t.created) {
		return t.created
	}
	return at
}

func (t *treeWriter) settleFile(full string, hdr *tar.Header) error {
	if !t.settle {
		return nil
	}
	return settleTimes(full, hdr.ModTime)
}

func settleTimes(full string, at time.Time) error {
	ts := unix.NsecToTimespec(at.UnixNano())
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, full, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &os.PathError{Op: "set the time of", Path: full, Err: err}
	}
	return nil
}
