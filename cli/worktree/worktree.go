// Package worktree reads a directory with source in it as git would: what .gitignore and .git/info/exclude leave out stays
// out, unless git tracks it nevertheless, and .git itself always does. It writes what it has found as a tar, for
// PUT /git/<repository>/tree/<branch>. It needs no program git, and no repository either.
package worktree

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

	"github.com/klauspost/compress/zstd"
)

// Tree is what a directory holds.
type Tree struct {
	Dir   string
	Files []File // in the order of their paths
	Bytes int64  // of all files
	Git   bool   // it is a git working tree, or inside of one
}

// File is a file or a symbolic link.
type File struct {
	Path string // from Tree.Dir, with slashes
	Size int64
	Mode fs.FileMode
	Link string // where a symbolic link leads; "" for files
}

// Has says whether there is a file of that path.
func (t *Tree) Has(name string) bool {
	_, err := os.Stat(filepath.Join(t.Dir, filepath.FromSlash(name)))
	return err == nil
}

// Open lists what is to be sent of a directory. Errors are the user's: they name the file and what to do about it.
func Open(dir string) (*Tree, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, err
	}
	rules, err := openRules(abs)
	if err != nil {
		return nil, err
	}
	t := &Tree{Dir: abs, Git: rules.git}
	if err := t.walk("", rules); err != nil {
		return nil, err
	}
	if len(t.Files) == 0 {
		return nil, fmt.Errorf("%s holds no files to send; is everything ignored by git?", dir)
	}
	return t, nil
}

// walk adds what is in the directory of that path.
func (t *Tree) walk(dir string, r *rules) error {
	entries, err := os.ReadDir(filepath.Join(t.Dir, filepath.FromSlash(dir)))
	if err != nil {
		return err
	}
	r, err = r.in(dir, entries)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if strings.EqualFold(e.Name(), ".git") || r.leaveOut(name, e.IsDir()) {
			continue
		}
		if e.IsDir() {
			err = t.walk(name, r)
		} else {
			err = t.add(name, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// add adds a file. Sockets, pipes and devices are no source.
func (t *Tree) add(name string, e fs.DirEntry) error {
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone since the directory was read
	}
	if err != nil {
		return err
	}
	file := File{Path: name, Mode: info.Mode(), Size: info.Size()}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		if file.Link, err = t.link(name); err != nil {
			return err
		}
		file.Size = 0
	case !info.Mode().IsRegular():
		return nil
	}
	t.Files = append(t.Files, file)
	t.Bytes += file.Size
	return nil
}

// link refuses one that leads out of the tree: nothing would be there where it is built.
func (t *Tree) link(name string) (string, error) {
	to, err := os.Readlink(filepath.Join(t.Dir, filepath.FromSlash(name)))
	if err != nil {
		return "", err
	}
	to = filepath.ToSlash(to)
	end := path.Join(path.Dir(name), to)
	if path.IsAbs(to) || end == ".." || strings.HasPrefix(end, "../") {
		return "", fmt.Errorf("%s is a link to %s, which is outside of %s and is not there where it is built; put a copy in its place, or have git ignore it", name, to, t.Dir)
	}
	return to, nil
}

// Write writes the tree as a tar, compressed with zstd. progress is told of each file's bytes as they are read.
func (t *Tree) Write(ctx context.Context, w io.Writer, progress func(done int64)) error {
	zw, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	out := tar.NewWriter(zw)
	var done int64
	for _, f := range t.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.write(out, f); err != nil {
			return err
		}
		done += f.Size
		progress(done)
	}
	return errors.Join(out.Close(), zw.Close())
}

func (t *Tree) write(out *tar.Writer, f File) error {
	head := &tar.Header{Name: f.Path, Typeflag: tar.TypeReg, Size: f.Size, Mode: 0o644, Format: tar.FormatPAX}
	if f.Link != "" {
		head.Typeflag, head.Linkname = tar.TypeSymlink, f.Link
		return out.WriteHeader(head)
	}
	if f.Mode&0o111 != 0 {
		head.Mode = 0o755
	}
	in, err := os.Open(filepath.Join(t.Dir, filepath.FromSlash(f.Path)))
	if err != nil {
		return err
	}
	defer in.Close()
	if err := out.WriteHeader(head); err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(in, f.Size))
	if err == nil && n < f.Size {
		err = fmt.Errorf("%s became shorter while it was sent; try again when nothing writes to it", f.Path)
	}
	return err
}
