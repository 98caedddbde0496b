package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Collect removes what nothing needs and returns the bytes it freed: images that are not in keep, their layers, and manifests
// and blobs of the embedded registry that neither a tag nor a digest in keep leads to. keep holds digests as Pull returned
// them. What is younger than Config.CollectGrace stays, and so does what a pull or push under way has to do with. It may
// run beside everything else, and a crash leaves only what the next Collect removes.
func (s *Store) Collect(ctx context.Context, keep []string) (freed int64, err error) {
	kept := map[digest]bool{}
	for _, k := range keep {
		d, err := parseDigest(k)
		if err != nil {
			return 0, &InvalidError{Ref: k, Cause: err}
		}
		kept[d] = true
	}
	s.uploads.expire()
	defer s.pins.sweep()()
	c := &collector{s: s, keep: kept, before: time.Now().Add(-s.cfg.CollectGrace)}
	for _, step := range []func() error{c.images, c.layers, c.registry, c.blobs} {
		if err := ctx.Err(); err != nil {
			return c.freed, err
		}
		if err := step(); err != nil {
			return c.freed, fmt.Errorf("collect unused images: %w", err)
		}
	}
	return c.freed, nil
}

type collector struct {
	s      *Store
	keep   map[digest]bool
	before time.Time // what is younger stays
	live   map[digest]bool
	freed  int64
}

func (c *collector) isYoung(path string) bool {
	info, err := os.Lstat(path)
	return err != nil || info.ModTime().After(c.before)
}

func (c *collector) images() error {
	for r, err := range c.s.records() {
		if err != nil {
			return err
		}
		d := digest(r.Digest)
		if c.keep[d] || c.isYoung(c.s.imagePath(d)) {
			continue
		}
		if _, err := c.s.unlink(imageKey(d), c.s.imagePath(d)); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) layers() error {
	ids, err := c.old("layers")
	if err != nil {
		return err
	}
	c.freed, err = c.s.removeLayers(ids)
	return err
}

// old lists what a directory holds that is not young, by digest.
func (c *collector) old(dir string) ([]digest, error) {
	entries, err := os.ReadDir(filepath.Join(c.s.dir, dir))
	var ids []digest
	for _, e := range entries {
		d, err := parseDigest(sha256Prefix + e.Name())
		if err == nil && !c.isYoung(filepath.Join(c.s.dir, dir, e.Name())) {
			ids = append(ids, d)
		}
	}
	return ids, err
}

// registry unlinks what no tag and no kept digest leads to, repository by repository, and notes what stays.
func (c *collector) registry() error {
	c.live = map[digest]bool{}
	repos, err := c.s.repos()
	if err != nil {
		return err
	}
	for _, r := range repos {
		if err := c.repository(r); err != nil {
			return fmt.Errorf("repository %s: %w", r.name, err)
		}
	}
	return nil
}

func (c *collector) repository(r repo) error {
	manifests, err := r.list("manifests")
	if err != nil {
		return err
	}
	tags, err := r.list("tags")
	if err != nil {
		return err
	}
	m := marker{r: r, live: map[digest]bool{}}
	if err := c.mark(m, tags, manifests); err != nil {
		return err
	}
	if err := errors.Join(c.unlink(r, "manifests", m.live), c.unlink(r, "blobs", m.live)); err != nil {
		return err
	}
	c.tidy(r)
	return nil
}

// tidy removes the directories of a repository that nothing was in for a while. What is not empty, the system does not remove.
func (c *collector) tidy(r repo) {
	for _, dir := range []string{r.path("tags", ""), r.path("manifests", ""), r.path("blobs", ""), r.dir} {
		if !c.isYoung(dir) {
			_ = os.Remove(dir)
		}
	}
}

func (c *collector) mark(m marker, tags, manifests []string) error {
	for _, tag := range tags {
		d, err := m.r.tag(tag)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return err
		}
		if err := m.mark(d); err != nil {
			return err
		}
	}
	for _, hex := range manifests {
		if d := digest(sha256Prefix + hex); c.keep[d] || c.isYoung(m.r.path("manifests", hex)) {
			if err := m.mark(d); err != nil {
				return err
			}
		}
	}
	return m.markReferrers(manifests)
}

func (c *collector) unlink(r repo, kind string, live map[digest]bool) error {
	names, err := r.list(kind)
	if err != nil {
		return err
	}
	for _, hex := range names {
		d, path := digest(sha256Prefix+hex), r.path(kind, hex)
		if !live[d] && !c.isYoung(path) {
			taken, err := c.s.unlink(blobKey(d), path)
			if err != nil {
				return err
			}
			if taken {
				continue
			}
		}
		c.live[d] = true
	}
	return nil
}

func (c *collector) blobs() error {
	ids, err := c.old("blobs/sha256")
	if err != nil {
		return err
	}
	for _, d := range ids {
		if c.live[d] {
			continue
		}
		n, err := c.s.discard(blobKey(d), c.s.blobPath(d))
		if err != nil {
			return err
		}
		c.freed += n
	}
	return nil
}

// marker follows manifests to all that they need within one repository. A manifest that cannot be read is an error: what
// it needs would be taken for garbage.
type marker struct {
	r    repo
	live map[digest]bool
}

func (m marker) mark(d digest) error {
	if m.live[d] {
		return nil
	}
	refs, err := m.refs(d)
	if err != nil {
		return err
	}
	m.live[d] = true
	for _, desc := range refs.blobs() {
		m.live[digest(desc.Digest)] = true
	}
	for _, desc := range refs.Manifests {
		if err := m.mark(digest(desc.Digest)); err != nil {
			return err
		}
	}
	return nil
}

// refs reads what a manifest refers to: nothing, if the repository does not have it any more.
func (m marker) refs(d digest) (refs manifestRefs, err error) {
	data, _, err := m.r.manifest(d)
	if errors.Is(err, fs.ErrNotExist) {
		return refs, nil
	}
	if err != nil {
		return refs, err
	}
	return refs, json.Unmarshal(data, &refs)
}

// markReferrers keeps signatures and the like as long as their subject, and theirs as long as them.
func (m marker) markReferrers(manifests []string) error {
	for again := true; again; {
		again = false
		for _, hex := range manifests {
			d := digest(sha256Prefix + hex)
			if m.live[d] {
				continue
			}
			refs, err := m.refs(d)
			if err != nil {
				return err
			}
			if refs.Subject == nil || !m.live[digest(refs.Subject.Digest)] {
				continue
			}
			if err := m.mark(d); err != nil {
				return err
			}
			again = true
		}
	}
	return nil
}
