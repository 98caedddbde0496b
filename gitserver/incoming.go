package gitserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/storage/filesystem"
)

// incoming is a pack that lies apart from its repository until it is checked. It sees the repository's objects beside its
// own.
type incoming struct {
	s    *Server
	repo *repository
	dir  string
	file *os.File
	pack *pack               // after check
	st   *filesystem.Storage // after check
	base *filesystem.Storage // the repository alone
}

func (s *Server) newIncoming(r *repository) (*incoming, error) {
	dir, err := os.MkdirTemp(r.dir, incomingPrefix)
	if err != nil {
		return nil, err
	}
	in := &incoming{s: s, repo: r, dir: dir, base: r.storage()}
	err = errors.Join(os.MkdirAll(filepath.Join(dir, packDir), 0o700), os.MkdirAll(filepath.Join(dir, objectsDir, "info"), 0o700))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, objectsDir, "info", "alternates"), []byte(r.path(objectsDir)+"\n"), 0o600)
	}
	if err == nil {
		in.file, err = os.Create(filepath.Join(dir, packDir, "incoming"))
	}
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

// Close takes away what is left of it.
func (in *incoming) Close() error {
	var errs []error
	if in.file != nil {
		errs = append(errs, in.file.Close())
	}
	if in.st != nil {
		errs = append(errs, in.st.Close())
	}
	return errors.Join(append(errs, in.base.Close(), os.RemoveAll(in.dir))...)
}

// check reads the pack through and names it, so that its objects can be read.
func (in *incoming) check(ctx context.Context) (err error) {
	select {
	case in.s.unpack <- struct{}{}:
		defer func() { <-in.s.unpack }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if in.pack, err = readPack(ctx, in.file, in.s.limits); err != nil {
		return err
	}
	if len(in.pack.entries) > 0 {
		if err := in.writeIndex(); err != nil {
			return err
		}
	}
	in.st = openStorage(in.dir)
	return nil
}

func (in *incoming) name(ending string) string { return "pack-" + in.pack.sum.String() + ending }

func (in *incoming) writeIndex() error {
	dir := filepath.Join(in.dir, packDir)
	index, err := os.Create(filepath.Join(dir, in.name(".idx")))
	if err != nil {
		return err
	}
	err = in.pack.writeIndex(index)
	return errors.Join(err, index.Sync(), index.Close(), in.file.Sync(), os.Rename(in.file.Name(), filepath.Join(dir, in.name(".pack"))))
}

// keep moves the pack into the repository. What readers look for, the index, comes last.
func (in *incoming) keep() error {
	if in.pack == nil || len(in.pack.entries) == 0 {
		return nil
	}
	to := in.repo.path(packDir)
	for _, ending := range []string{".pack", ".idx"} {
		if err := os.Rename(filepath.Join(in.dir, packDir, in.name(ending)), filepath.Join(to, in.name(ending))); err != nil {
			return err
		}
	}
	return syncDir(to)
}

// has says whether the repository has an object already. All that one leads to is there then as well, because no pack is
// kept that is not whole, and what nothing leads to goes all at once.
func (in *incoming) has(hash plumbing.Hash) (bool, error) {
	err := in.base.HasEncodedObject(hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return false, nil
	}
	return err == nil, err
}

// packSink is where the bytes of a pack go. What is too much is read and dropped, because git shows an answer only when it
// has sent all.
type packSink struct {
	in         *incoming
	limit, got int64
}

// patience is how many times the limit is read before the client is cut off.
const patience = 4

func (w *packSink) Write(b []byte) (int, error) {
	if w.got += int64(len(b)); w.got > w.limit*patience {
		return 0, w.tooMuch()
	}
	if w.got > w.limit {
		return len(b), nil
	}
	n, err := w.in.file.Write(b)
	return n, w.in.s.public(context.Background(), err, "keep what is pushed to "+w.in.repo.name)
}

func (w *packSink) Close() error { return nil }

func (w *packSink) tooMuch() error {
	if w.got <= w.limit {
		return nil
	}
	return refuse("the push has more than %s, which is all that is taken at once (--push-limit); take large files out of the history, or push older commits first", size(w.limit))
}

func size(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}
