package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v6/plumbing"
	"golang.org/x/sys/unix"
)

// writer writes a plan into a directory that nobody else sees yet.
type writer struct {
	root  *os.Root
	dir   string
	at    time.Time
	limit int64
	bytes int64
	lfs   []string // files that are pointers to what Git LFS keeps elsewhere
	buf   []byte
}

// write makes app inside of dir. Links come last: what is written before them cannot be led astray by them, and os.Root
// would not follow one out.
func (p *plan) write(ctx context.Context, dir string, at time.Time) (*writer, error) {
	app := filepath.Join(dir, "app")
	if err := os.Mkdir(app, 0o755); err != nil {
		return nil, fmt.Errorf("write the checkout: %w", err)
	}
	root, err := os.OpenRoot(app)
	if err != nil {
		return nil, fmt.Errorf("write the checkout: %w", err)
	}
	defer root.Close()
	w := &writer{root: root, dir: app, at: at, limit: p.limits.Bytes, buf: make([]byte, 64<<10)}
	if err := w.all(ctx, p); err != nil {
		if _, ok := errors.AsType[*Error](err); !ok && context.Cause(ctx) == nil {
			err = fmt.Errorf("write the checkout: %w", err)
		}
		return nil, err
	}
	return w, nil
}

func (w *writer) all(ctx context.Context, p *plan) error {
	for _, d := range p.dirs {
		if err := w.root.Mkdir(d, 0o700); err != nil {
			return err
		}
	}
	for _, f := range p.files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := w.file(f); err != nil {
			return err
		}
	}
	for _, l := range p.links {
		if err := w.link(l.path, p.targets[l.path]); err != nil {
			return err
		}
	}
	for _, d := range slices.Backward(p.dirs) { // what is in them first: it would change their times
		if err := errors.Join(w.root.Chmod(d, 0o755), w.root.Chtimes(d, w.at, w.at)); err != nil {
			return err
		}
	}
	return errors.Join(os.Chmod(w.dir, 0o755), os.Chtimes(w.dir, w.at, w.at))
}

func (w *writer) file(p planned) (err error) {
	if err := p.from.fits(p.id, w.limit); err != nil {
		return err
	}
	obj, err := p.from.get(plumbing.BlobObject, p.id)
	if err != nil {
		return err
	}
	if w.bytes += obj.Size(); w.bytes > w.limit {
		return tooLarge("its files come to more, counted up to "+shown(p.path), w.limit)
	}
	r, err := obj.Reader()
	if err != nil {
		return fmt.Errorf("read the object %s: %w", p.id, err)
	}
	defer r.Close()
	f, err := w.root.OpenFile(p.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := w.copy(f, io.LimitReader(r, obj.Size()), p.path); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if p.mode == modeExec {
		mode = 0o755
	}
	return errors.Join(f.Chmod(mode), w.root.Chtimes(p.path, w.at, w.at))
}

const lfsPointer = "version https://git-lfs.github.com/spec/"

// copy notes on the way what is a pointer of Git LFS.
func (w *writer) copy(f *os.File, r io.Reader, path string) error {
	n, err := io.ReadFull(r, w.buf)
	if n < 1024 && bytes.HasPrefix(w.buf[:n], []byte(lfsPointer)) {
		w.lfs = append(w.lfs, path)
	}
	whole := err == io.EOF || err == io.ErrUnexpectedEOF
	if err != nil && !whole {
		return err
	}
	if _, err := f.Write(w.buf[:n]); err != nil || whole {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{f}, r, w.buf)
	return err
}

func (w *writer) link(path, target string) error {
	if err := w.root.Symlink(target, path); err != nil {
		return err
	}
	ts := unix.NsecToTimespec(w.at.UnixNano())
	return unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(w.dir, path), []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
}

// notices is what the user should know of the files.
func (w *writer) notices() []string {
	if len(w.lfs) == 0 {
		return nil
	}
	shownPaths := make([]string, 0, 3)
	for _, p := range w.lfs[:min(3, len(w.lfs))] {
		shownPaths = append(shownPaths, shown(p))
	}
	more := ""
	if n := len(w.lfs) - len(shownPaths); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return []string{fmt.Sprintf("These files are kept in Git LFS, which is not fetched, so the build sees pointers in their place: %s%s", strings.Join(shownPaths, ", "), more)}
}
