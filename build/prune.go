package build

import (
	"context"
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

func (b *Builder) pruneService(service string, keep bool, olderThan time.Duration) (freed int64, err error) {
	st, err := b.readState(service)
	if err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock() // no build begins meanwhile
	dir, err := b.serviceDir(service)
	if err != nil || b.active[service] > 0 || keep && time.Since(st.Used) < olderThan {
		return 0, err
	}
	if !keep {
		if freed, err = usage(dir); err != nil {
			return 0, err
		}
		return freed, b.Forget(service)
	}
	cache := filepath.Join(dir, "cache")
	if freed, err = usage(cache); err != nil {
		return 0, err
	}
	return freed, os.RemoveAll(cache)
}
