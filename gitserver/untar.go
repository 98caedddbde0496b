package gitserver

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/filemode"
	"github.com/go-git/go-git/v6/plumbing/object"
	"github.com/klauspost/compress/zstd"
)

const (
	maxFiles     = 200_000 // and directories
	longestPath  = 4096
	zstdMemory   = 64 << 20
	tarHeadBytes = 1 << 10 // what a file takes in a tar beside its content, about
)

// directory is one of an uploaded tree: what it holds by name.
type directory struct {
	dirs  map[string]*directory
	files map[string]object.TreeEntry
	made  *int // files and directories of the whole tree: a short tar can name more than memory holds
}

func newDirectory(made *int) *directory {
	return &directory{map[string]*directory{}, map[string]object.TreeEntry{}, made}
}

// another counts a file or a directory.
func (d *directory) another() error {
	if *d.made++; *d.made > maxFiles {
		return refuse("there are more than %d files and directories; have git ignore what is not source", maxFiles)
	}
	return nil
}

// readTree writes the files of a tar into a pack, and their trees, and returns the root's name. Faults of the tar are
// refusals.
func readTree(ctx context.Context, body io.Reader, out *packWriter, limit int64) (plumbing.Hash, error) {
	plain, err := decompressed(body)
	if err != nil {
		return plumbing.Hash{}, err
	}
	defer plain.Close()
	root, in := newDirectory(new(int)), tar.NewReader(io.LimitReader(plain, limit+maxFiles*tarHeadBytes))
	for left := limit; ; {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return plumbing.Hash{}, unreadable(ctx, err)
		}
		if left -= head.Size; left < 0 {
			return plumbing.Hash{}, refuse("the files take more than %s together, which is all that is taken; have git ignore what is not source", size(limit))
		}
		if err := root.add(head, in, out); err != nil {
			return plumbing.Hash{}, unreadable(ctx, err)
		}
	}
	return root.write(out)
}

// unreadable tells a broken tar from a server that fails.
func unreadable(ctx context.Context, err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) && ctx.Err() == nil {
		return refuse("the tar is broken or ends early: %v; send it again", err)
	}
	return err
}

// decompressed tells plain, gzip and zstd by how they begin.
func decompressed(r io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReader(r)
	magic, err := buffered.Peek(4)
	if err != nil {
		return nil, refuse("no tar was sent")
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		zr, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, refuse("the gzip is broken: %v", err)
		}
		return zr, nil
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		zr, err := zstd.NewReader(buffered, zstd.WithDecoderMaxMemory(zstdMemory), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, refuse("the zstd is broken: %v", err)
		}
		return zr.IOReadCloser(), nil
	}
	return io.NopCloser(buffered), nil
}

// add puts an entry of the tar where it belongs.
func (d *directory) add(head *tar.Header, content io.Reader, out *packWriter) error {
	name := strings.TrimSuffix(strings.TrimPrefix(head.Name, "./"), "/")
	if head.Typeflag == tar.TypeXGlobalHeader || head.Typeflag == tar.TypeDir && (name == "" || name == ".") {
		return nil
	}
	if len(name) > longestPath {
		return refuse("a path has more than %d bytes", longestPath)
	}
	parts := strings.Split(name, "/")
	for _, part := range parts {
		if err := checkName(part); err != nil {
			return refuse("%q can't be in a working tree: %q %v", head.Name, part, err)
		}
	}
	if head.Typeflag == tar.TypeDir {
		_, err := d.dir(parts)
		return err
	}
	last := len(parts) - 1
	parent, err := d.dir(parts[:last])
	if err != nil {
		return err
	}
	return parent.addFile(parts[last], head, content, out)
}

// dir is a directory below d, made if it is not there.
func (d *directory) dir(parts []string) (*directory, error) {
	for _, part := range parts {
		if _, ok := d.files[part]; ok {
			return nil, refuse("%q is both a file and a directory", path.Join(parts...))
		}
		if d.dirs[part] == nil {
			if err := d.another(); err != nil {
				return nil, err
			}
			d.dirs[part] = newDirectory(d.made)
		}
		d = d.dirs[part]
	}
	return d, nil
}

func (d *directory) addFile(name string, head *tar.Header, content io.Reader, out *packWriter) error {
	if _, twice := d.files[name]; twice || d.dirs[name] != nil {
		return refuse("%q is in the tar twice", head.Name)
	}
	if err := d.another(); err != nil {
		return err
	}
	entry, length := object.TreeEntry{Name: name, Mode: filemode.Regular}, head.Size
	switch head.Typeflag {
	case tar.TypeReg:
		if head.Mode&0o111 != 0 {
			entry.Mode = filemode.Executable
		}
		if length > maxObject {
			return refuse("%q has %s, more than the %s that one file may have", head.Name, size(length), size(maxObject))
		}
	case tar.TypeSymlink:
		if leaves(head.Name, head.Linkname) {
			return refuse("%q is a link to %q, which is outside of the working tree; copy what it leads to in its place", head.Name, head.Linkname)
		}
		entry.Mode, length, content = filemode.Symlink, int64(len(head.Linkname)), strings.NewReader(head.Linkname)
	default:
		return refuse("%q is neither a file nor a directory nor a symbolic link", head.Name)
	}
	var err error
	entry.Hash, err = out.write(plumbing.BlobObject, length, content)
	d.files[name] = entry
	return err
}

// leaves says whether a link leads out of the tree that it is in.
func leaves(name, target string) bool {
	to := path.Join(path.Dir(path.Clean(name)), target)
	return path.IsAbs(target) || target == "" || to == ".." || strings.HasPrefix(to, "../")
}

// write writes the trees, the deepest first. git has no empty directories, but for the root.
func (d *directory) write(out *packWriter) (plumbing.Hash, error) {
	hash, _, err := d.writeAll(out)
	if err == nil && hash.IsZero() {
		hash, err = out.object(&object.Tree{})
	}
	return hash, err
}

func (d *directory) writeAll(out *packWriter) (plumbing.Hash, bool, error) {
	entries := slices.Collect(maps.Values(d.files))
	for name, below := range d.dirs {
		hash, some, err := below.writeAll(out)
		if err != nil {
			return hash, false, err
		}
		if some {
			entries = append(entries, object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: hash})
		}
	}
	if len(entries) == 0 {
		return plumbing.Hash{}, false, nil
	}
	slices.SortFunc(entries, func(a, b object.TreeEntry) int { return strings.Compare(sortName(a), sortName(b)) })
	hash, err := out.object(&object.Tree{Entries: entries})
	if errors.Is(err, object.ErrInvalidTree) { // go-git takes fewer names than git does
		first, _, _ := strings.Cut(err.Error(), "\n")
		err = refuse("a file has a name that can't be in a working tree (%s); rename it, or have git ignore it", first)
	}
	return hash, true, err
}

// sortName is what git sorts a tree's entries by.
func sortName(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}
