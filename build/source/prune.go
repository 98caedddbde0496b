package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Forget removes the mirror and the checkouts of a deleted service. It waits for a fetch under way.
func (f *Fetcher) Forget(service string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*f.cfg.Limits.Time)
	defer cancel()
	unlock, err := f.lock(ctx, service)
	if err != nil {
		return err
	}
	defer unlock()
	return f.forget(service)
}

func (f *Fetcher) forget(service string) error {
	return errors.Join(f.remove(f.path("checkouts", service)), f.remove(f.path("mirrors", service)))
}

// Prune removes the mirrors and checkouts of services that keep does not want, and of all others the checkouts that were not
// used for olderThan. It returns how many bytes of files that freed.
func (f *Fetcher) Prune(ctx context.Context, keep func(service string) bool, olderThan time.Duration) (freed int64, err error) {
	seen := map[string]bool{}
	for _, kind := range []string{"mirrors", "checkouts"} {
		list, err := os.ReadDir(f.path(kind))
		if err != nil {
			return freed, fmt.Errorf("prune sources: %w", err)
		}
		for _, e := range list {
			if seen[e.Name()] || !serviceID(e.Name()) {
				continue
			}
			seen[e.Name()] = true
			n, err := f.pruneService(ctx, e.Name(), keep(e.Name()), olderThan)
			if freed += n; err != nil {
				return freed, err
			}
		}
	}
	return freed, nil
}

func (f *Fetcher) pruneService(ctx context.Context, service string, keep bool, olderThan time.Duration) (freed int64, err error) {
	unlock, err := f.lock(ctx, service)
	if err != nil {
		return 0, err
	}
	defer unlock()
	if !keep {
		freed = usage(f.path("mirrors", service)) + usage(f.path("checkouts", service))
		return freed, f.forget(service)
	}
	list, err := os.ReadDir(f.path("checkouts", service))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("prune sources: %w", err)
	}
	for _, e := range list {
		dir := f.path("checkouts", service, e.Name())
		info, err := os.Stat(filepath.Join(dir, "checkout.json"))
		if err == nil && time.Since(info.ModTime()) < olderThan {
			continue
		}
		n := usage(dir)
		if err := f.remove(dir); err != nil {
			return freed, err
		}
		freed += n
	}
	return freed, nil
}

// usage is the size of the files below a directory. What cannot be read counts for nothing.
func usage(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}
