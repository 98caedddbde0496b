package gitserver

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/packfile"
	"github.com/go-git/go-git/v6/plumbing/revlist"
)

const (
	manyPacks   = 50
	deltaWindow = 10 // objects that a delta is looked for in, as in git
)

// Prune gives back what repositories no longer need: one that keep does not want and that nobody pushed to for olderThan
// goes as a whole. The others' packs become one, without what no branch or tag leads to, where the last push is olderThan
// ago or there are many packs. Repositories that are in use at the moment are left for the next time. It returns the bytes
// that are free now, also beside an error.
func (s *Server) Prune(ctx context.Context, keep func(account, repository string) bool, olderThan time.Duration) (freed int64, err error) {
	dirs, err := filepath.Glob(filepath.Join(s.cfg.Dir, "*", "*"+repoSuffix))
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, dir := range dirs {
		if ctx.Err() != nil {
			return freed, errors.Join(append(errs, ctx.Err())...)
		}
		r, err := s.repository(filepath.Base(filepath.Dir(dir)), strings.TrimSuffix(filepath.Base(dir), repoSuffix))
		if err != nil || !r.inUse.TryLock() {
			errs = append(errs, err)
			continue
		}
		n, err := s.prune(ctx, r, keep, olderThan)
		r.inUse.Unlock()
		freed += n
		errs = append(errs, err)
	}
	return freed, errors.Join(errs...)
}

func (s *Server) prune(ctx context.Context, r *repository, keep func(account, repository string) bool, olderThan time.Duration) (int64, error) {
	before, err := r.bytes()
	if err != nil {
		return 0, err
	}
	idle, err := r.idle()
	if err != nil {
		return 0, err
	}
	switch {
	case idle >= olderThan && !keep(r.account, r.name):
		err = r.remove()
	default:
		err = s.repack(ctx, r, idle >= olderThan)
	}
	after, sizeErr := r.bytes()
	return before - after, errors.Join(err, sizeErr)
}

// idle is how long ago the references moved, or the repository was made.
func (r *repository) idle() (time.Duration, error) {
	info, err := os.Stat(r.path(packedRefs))
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Stat(r.path("HEAD"))
	}
	if err != nil {
		return 0, err
	}
	return time.Since(info.ModTime()), nil
}

func (r *repository) bytes() (n int64, err error) {
	err = filepath.WalkDir(r.dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return n, err
}

// repack makes one pack of what references lead to, and removes the others: all of what nothing leads to, or none of it.
func (s *Server) repack(ctx context.Context, r *repository, idle bool) error {
	old, err := filepath.Glob(r.path(packDir, "pack-*.pack"))
	if err != nil || len(old) == 0 || !idle && len(old) <= manyPacks {
		return err
	}
	refs, err := r.refs()
	if err != nil {
		return err
	}
	in, err := s.newIncoming(r)
	if err != nil {
		return err
	}
	defer in.Close()
	wanted, err := revlist.Objects(in.base, slices.Collect(maps.Values(refs)), nil)
	if err != nil {
		return err
	}
	count, err := countObjects(old)
	if err != nil || len(old) == 1 && count == len(wanted) {
		return err
	}
	if len(wanted) == 0 {
		return r.dropPacks(old, "")
	}
	if err := in.packAnew(ctx, wanted); err != nil {
		return err
	}
	return r.dropPacks(old, in.name(".pack"))
}

// packAnew makes one pack of these objects, and takes it into the repository.
func (in *incoming) packAnew(ctx context.Context, wanted []plumbing.Hash) error {
	if _, err := packfile.NewEncoder(in.file, in.base, false).Encode(wanted, deltaWindow); err != nil {
		return err
	}
	if err := in.check(ctx); err != nil {
		return err
	}
	return in.keep()
}

// countObjects counts those of the packs, twice what is in two of them.
func countObjects(packs []string) (n int, err error) {
	for _, path := range packs {
		f, err := os.Open(strings.TrimSuffix(path, ".pack") + ".idx")
		if err != nil {
			return 0, err
		}
		var last [4]byte
		_, err = f.ReadAt(last[:], 8+255*4) // the last number of the index's first table
		if err := errors.Join(err, f.Close()); err != nil {
			return 0, err
		}
		n += int(binary.BigEndian.Uint32(last[:]))
	}
	return n, nil
}

// dropPacks removes packs but the one of that name. An index without its pack would be an error to readers, not the other
// way round.
func (r *repository) dropPacks(paths []string, but string) error {
	var errs []error
	for _, path := range paths {
		if filepath.Base(path) == but {
			continue
		}
		errs = append(errs, os.Remove(strings.TrimSuffix(path, ".pack")+".idx"), os.Remove(path))
	}
	return errors.Join(append(errs, syncDir(r.path(packDir)))...)
}
