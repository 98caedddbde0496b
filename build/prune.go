package build

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Prune removes what services that keep does not want have left here, and of all others the caches that were not used for
// olderThan. It returns how many bytes that freed. A build under way keeps its caches: they are in use.
func (b *Builder) Prune(ctx context.Context, keep func(service string) bool, olderThan time.Duration) (freed int64, err error) {
	entries, err := os.ReadDir(filepath.Join(b.cfg.Dir, "services"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("prune builds: %w", err)
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return freed, context.Cause(ctx)
		}
		n, err := b.pruneService(e.Name(), keep(e.Name()), olderThan)
		freed += n
		if err != nil {
			return freed, fmt.Errorf("prune builds: %w", err)
		}
	}
	return freed, nil
}

// pruneService moves away what has to go while no build can begin, and removes it after.
func (b *Builder) pruneService(service string, keep bool, olderThan time.Duration) (freed int64, err error) {
	st, err := b.readState(service)
	if err != nil || keep && time.Since(st.Used) < olderThan {
		return 0, err
	}
	dir, err := b.serviceDir(service)
	if err != nil {
		return 0, err
	}
	if keep {
		dir = filepath.Join(dir, "cache")
	} else if err := b.untag(st); err != nil {
		return 0, err
	}
	gone, err := b.takeAway(service, dir)
	if err != nil || gone == "" {
		return 0, err
	}
	if freed, err = usage(gone); err != nil {
		return 0, err
	}
	return freed, os.RemoveAll(gone)
}

// takeAway moves a directory of a service to where no build looks, and returns its new name: "" if there is none, or a build of
// the service is under way.
func (b *Builder) takeAway(service, dir string) (gone string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.active[service] > 0 {
		return "", nil
	}
	trash := filepath.Join(b.cfg.Dir, trashDir)
	if err := os.MkdirAll(trash, 0o700); err != nil {
		return "", err
	}
	gone = filepath.Join(trash, rand.Text())
	if err := os.Rename(dir, gone); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	return gone, nil
}

// Forget removes the caches and the tags of a deleted service; its images go when Collect finds that nothing keeps them. A
// service that never built has none.
func (b *Builder) Forget(service string) error {
	st, err := b.readState(service)
	if err == nil {
		err = b.untag(st)
	}
	var dir string
	if err == nil {
		dir, err = b.serviceDir(service)
	}
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err != nil {
		return fmt.Errorf("forget builds of service %s: %w", service, err)
	}
	return nil
}

// untag removes all that keeps a service's images in the registry.
func (b *Builder) untag(st state) error {
	err := b.untagDrafts(context.Background(), st)
	for _, tag := range st.Tags {
		err = errors.Join(err, b.cfg.Images.Account(st.Account).Untag(context.Background(), st.Repo, tag))
	}
	return err
}
