package build

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Cache is what builds of a service keep for each other.
type Cache struct {
	Service string
	Bytes   int64     // on the disk
	Used    time.Time // when a build last began or ended with it
}

// Caches lists the caches, empty ones too: each service that ever built has one.
func (b *Builder) Caches(ctx context.Context) (list []Cache, err error) {
	services, err := b.services()
	for _, service := range services {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		st, err := b.readState(service)
		if err != nil {
			return nil, fmt.Errorf("list build caches: %w", err)
		}
		bytes, err := usage(filepath.Join(b.cfg.Dir, "services", service, "cache"))
		if err != nil {
			return nil, fmt.Errorf("list build caches: %w", err)
		}
		list = append(list, Cache{service, bytes, st.Used})
	}
	return list, err
}

// services are the ids of those that ever built here and were not forgotten.
func (b *Builder) services() (ids []string, err error) {
	entries, err := os.ReadDir(filepath.Join(b.cfg.Dir, "services"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if serviceForm().MatchString(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	return ids, err
}

// RemoveCache empties a service's cache, and returns how many bytes that freed. One that was used since Caches listed it stays,
// and so does that of a build under way.
func (b *Builder) RemoveCache(c Cache) (freed int64, err error) {
	st, err := b.readState(c.Service)
	if err != nil || !st.Used.Equal(c.Used) {
		return 0, err
	}
	dir, err := b.serviceDir(c.Service)
	if err != nil {
		return 0, err
	}
	gone, err := b.takeAway(c.Service, filepath.Join(dir, "cache"))
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
	return b.moveAway(dir)
}

// moveAway takes a directory out of sight with one rename, so that no build ever finds the half of it.
func (b *Builder) moveAway(dir string) (gone string, err error) {
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

// discard removes a directory of the build that is under way.
func (b *Builder) discard(dir string) error {
	gone, err := b.moveAway(dir)
	if err != nil || gone == "" {
		return err
	}
	return os.RemoveAll(gone)
}

// hold notes that a build works with an image until it ends.
func (w *work) hold(digest string) {
	w.b.mu.Lock()
	defer w.b.mu.Unlock()
	w.held = append(w.held, digest)
	w.b.images[digest]++
}

func (w *work) letGo() {
	w.b.mu.Lock()
	defer w.b.mu.Unlock()
	for _, digest := range w.held {
		if w.b.images[digest]--; w.b.images[digest] == 0 {
			delete(w.b.images, digest)
		}
	}
}

// Images are the digests of those that builds under way work with: bases, what is built on further, what was just made. Nobody
// may remove them, however old they are.
func (b *Builder) Images() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(b.images))
}

// Untag takes from the registry what builds have put there and nobody needs any more: tags of images that needed does not
// want and that were set more than idle ago, and what a build left that was ended by kill -9. Tags that a client has set stay.
func (b *Builder) Untag(ctx context.Context, needed func(digest string) bool, idle time.Duration) error {
	services, err := b.services()
	if err != nil {
		return fmt.Errorf("remove tags of builds: %w", err)
	}
	for _, service := range services {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := b.untagService(ctx, service, needed, time.Now().Add(-idle)); err != nil {
			return fmt.Errorf("remove tags of builds of service %s: %w", service, err)
		}
	}
	return nil
}

func (b *Builder) untagService(ctx context.Context, service string, needed func(digest string) bool, before time.Time) error {
	st, err := b.readState(service)
	if err != nil || st.Repo == "" || b.isActive(service) {
		return err
	}
	images := b.cfg.Images.Account(st.Account)
	tags, err := images.Tagged(ctx, st.Repo)
	if err != nil {
		return err
	}
	for _, tag := range tags {
		draft := strings.HasPrefix(tag.Name, draftPrefix)
		if !draft && (needed(tag.Digest) || !slices.Contains(st.Tags, tag.Name)) || tag.At.After(before) {
			continue
		}
		if err := images.Untag(ctx, st.Repo, tag.Name); err != nil {
			return err
		}
	}
	return nil
}

func (b *Builder) isActive(service string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.active[service] > 0
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
		err = b.discard(dir)
	}
	if err != nil {
		return fmt.Errorf("forget builds of service %s: %w", service, err)
	}
	return nil
}

// untag removes all that keeps a service's images in the registry.
func (b *Builder) untag(st state) error {
	err := b.tidyTags(context.Background(), &st)
	for _, tag := range st.Tags {
		err = errors.Join(err, b.cfg.Images.Account(st.Account).Untag(context.Background(), st.Repo, tag))
	}
	return err
}
