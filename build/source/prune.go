package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Kept is a mirror or a checkout: both can be made again, a checkout from its mirror and a mirror from the repository's
// server.
type Kept struct {
	Mirror  bool // not a checkout
	Service string
	Bytes   int64     // on the disk
	Used    time.Time // when a fetch last made or used it

	name string
}

// Kept lists all that is kept of repositories.
func (f *Fetcher) Kept(ctx context.Context) (list []Kept, err error) {
	for _, kind := range kinds {
		dirs, err := filepath.Glob(f.path(kind, "*", "*"))
		if err != nil {
			return nil, fmt.Errorf("list sources: %w", err)
		}
		for _, dir := range dirs {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			k := Kept{Mirror: kind == mirrors, Service: filepath.Base(filepath.Dir(dir)), name: filepath.Base(dir)}
			if serviceID(k.Service) {
				k.Bytes, k.Used = usage(dir), f.used(k)
				list = append(list, k)
			}
		}
	}
	return list, nil
}

const (
	mirrors   = "mirrors"
	checkouts = "checkouts"
)

var kinds = []string{checkouts, mirrors}

func (f *Fetcher) dir(k Kept) string {
	if k.Mirror {
		return f.path(mirrors, k.Service, k.name)
	}
	return f.path(checkouts, k.Service, k.name)
}

// used is when a thing was last used: never, if a crash has left it without the file that tells.
func (f *Fetcher) used(k Kept) time.Time {
	file := "checkout.json"
	if k.Mirror {
		file = "HEAD"
	}
	info, err := os.Stat(filepath.Join(f.dir(k), file))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Remove removes what Kept has listed, and returns how many bytes that freed. What was used since then stays, and so does what
// belongs to a service that a fetch is under way for. Whoever reads a checkout's files must be known to the caller: they
// are not locked.
func (f *Fetcher) Remove(k Kept) (freed int64, err error) {
	unlock, ok := f.tryLock(k.Service)
	if !ok {
		return 0, nil
	}
	defer unlock()
	if !f.used(k).Equal(k.Used) {
		return 0, nil
	}
	dir := f.dir(k)
	freed = usage(dir)
	if err := f.remove(dir); err != nil {
		return 0, err
	}
	_ = os.Remove(filepath.Dir(dir)) // stays where there is more of the service
	return freed, nil
}

// Forget removes the mirrors and the checkouts of a deleted service. It waits for a fetch under way.
func (f *Fetcher) Forget(service string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*f.cfg.Limits.Time)
	defer cancel()
	unlock, err := f.lock(ctx, service)
	if err != nil {
		return err
	}
	defer unlock()
	return errors.Join(f.remove(f.path(checkouts, service)), f.remove(f.path(mirrors, service)))
}

// usage is what a directory takes on the disk. What cannot be read counts for nothing.
func usage(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil {
			n += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return nil
	})
	return n
}
