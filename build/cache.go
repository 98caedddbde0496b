package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"apron/driver"
)

// A service's caches are directories that its runtime names, such as /root/.npm, kept in services/<id>/cache/<runtime> and
// mounted into each stage. No other service, and so no other account, sees them, and they are no part of an image. What is in
// them was written by commands of a repository: it is never followed or read here, but counted and removed.

// openCaches makes the caches ready for a build with that key. They begin empty when they may be what makes builds fail: when
// the last build of the same key did not succeed, or the last two of any.
func (w *work) openCaches() error {
	st, err := w.b.readState(w.r.Service)
	if err != nil {
		return fmt.Errorf("read what is known of the service's builds: %w", err)
	}
	root, err := w.b.serviceDir(w.r.Service)
	if err != nil {
		return err
	}
	root = filepath.Join(root, "cache")
	w.fresh = st.Pending == w.key || st.Failures >= 2
	if w.fresh {
		w.say("The last build failed or was ended, so dependency caches are empty in this one.")
		err = w.b.discard(root)
	} else {
		err = w.removeOthers(root)
	}
	if err != nil {
		return fmt.Errorf("empty the service's caches: %w", err)
	}
	if err := w.b.tidyTags(context.Background(), &st); err != nil {
		return err
	}
	if !slices.Contains(st.Tags, w.tag()) { // before there is the tag: who removes tags has to know of it whatever comes between
		st.Tags = append(st.Tags, w.tag())
	}
	st.Pending, st.Failures = w.key, st.Failures+1
	st.Account, st.Repo = w.r.Account, repository(w.r.Name, w.r.Service)
	if err := w.b.writeState(w.r.Service, st); err != nil {
		return fmt.Errorf("note the build: %w", err)
	}
	w.mounts, err = cacheMounts(filepath.Join(root, w.runtime.Name), w.runtime.Caches)
	return err
}

// adviseOn says how to do without the caches, when commands failed that may have met something bad in them.
func (w *work) adviseOn(err error) {
	_, users := errors.AsType[*Error](err)
	if users && !w.fresh && len(w.mounts) > 0 {
		w.say("Deploying this commit again builds it with empty dependency caches.")
	}
}

// tidyTags removes what a build has left that was ended by kill -9 and never tried again, and forgets tags that are not there:
// those of builds that failed.
func (b *Builder) tidyTags(ctx context.Context, st *state) error {
	if st.Repo == "" {
		return nil
	}
	images := b.cfg.Images.Account(st.Account)
	tags, err := images.Tags(ctx, st.Repo)
	if err != nil {
		return err
	}
	for _, tag := range tags {
		if strings.HasPrefix(tag, draftPrefix) {
			err = errors.Join(err, images.Untag(ctx, st.Repo, tag))
		}
	}
	st.Tags = slices.DeleteFunc(st.Tags, func(tag string) bool { return !slices.Contains(tags, tag) })
	return err
}

// removeOthers removes the caches of runtimes that the service has no more.
func (w *work) removeOthers(root string) error {
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if e.Name() != w.runtime.Name {
			if err := w.b.discard(filepath.Join(root, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func cacheMounts(root string, targets []string) ([]driver.Mount, error) {
	var mounts []driver.Mount
	for _, target := range targets {
		source := filepath.Join(root, strings.ReplaceAll(strings.Trim(target, "/"), "/", "-"))
		if err := os.MkdirAll(source, 0o755); err != nil {
			return nil, fmt.Errorf("make the service's caches: %w", err)
		}
		mounts = append(mounts, driver.Mount{Source: source, Target: target})
	}
	return mounts, nil
}

// closeCaches notes that the build succeeded, and empties caches that have grown over their limit.
func (w *work) closeCaches(ctx context.Context) error {
	err := w.noteImage(ctx, func(st *state) { st.Pending, st.Failures = "", 0 })
	return errors.Join(err, w.trimCaches())
}

// noteImage notes the image's tag, changes the state, and removes the tags that are too old.
func (w *work) noteImage(ctx context.Context, change func(*state)) error {
	st, err := w.b.readState(w.r.Service)
	if err != nil {
		return err
	}
	st.Account, st.Repo = w.r.Account, repository(w.r.Name, w.r.Service)
	old := st.tagged(w.tag())
	change(&st)
	if err := w.b.writeState(w.r.Service, st); err != nil {
		return err
	}
	for _, tag := range old {
		err = errors.Join(err, w.images().Untag(ctx, st.Repo, tag))
	}
	return err
}

func (w *work) trimCaches() error {
	for _, m := range w.mounts {
		size, err := usage(m.Source)
		if err != nil {
			return err
		}
		if size <= int64(w.b.cfg.Cache)<<20 {
			continue
		}
		w.say("The cache of %s has grown over %d MiB and is emptied for the next build.", m.Target, w.b.cfg.Cache)
		if err := w.b.discard(m.Source); err != nil {
			return err
		}
	}
	return nil
}

// usage is what a directory takes on the disk, in bytes.
func usage(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil {
			info, err = e.Info()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // there is none, or commands have removed it just now
		}
		if err == nil {
			size += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return err
	})
	return size, err
}
