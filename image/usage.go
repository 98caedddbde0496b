package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Stored is an image that is on this machine.
type Stored struct {
	Digest string
	Bytes  int64     // of file content, all layers
	Used   time.Time // when it was last pulled, made or built upon
}

// List lists the images that are on this machine, by their digests.
func (s *Store) List(ctx context.Context) (list []Stored, err error) {
	for r, err := range s.records() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("list images: %w", err)
		}
		info, err := os.Lstat(s.imagePath(digest(r.Digest)))
		if err != nil {
			continue // removed meanwhile
		}
		list = append(list, Stored{r.Digest, r.Size, info.ModTime()})
	}
	return list, nil
}

// usedRecord is readRecord with the time of the image's last use.
func (s *Store) usedRecord(d digest) (record, time.Time, error) {
	info, err := os.Lstat(s.imagePath(d))
	if err != nil {
		return record{}, time.Time{}, err
	}
	r, err := s.readRecord(d)
	return r, info.ModTime(), err
}

// Bytes is what the images' layers hold together, each counted once; images that are not here count for nothing.
func (s *Store) Bytes(digests ...string) (total int64, err error) {
	counted := map[digest]bool{}
	for _, dig := range digests {
		d, err := parseDigest(dig)
		if err != nil {
			return 0, &InvalidError{Ref: dig, Cause: err}
		}
		r, err := s.readRecord(d)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("measure image %s: %w", dig, err)
		}
		for _, id := range r.Layers {
			if counted[id] {
				continue
			}
			counted[id] = true
			n, _ := s.layerSize(id) // removed meanwhile: nothing
			total += n
		}
	}
	return total, nil
}

// RegistryUsage is what the embedded registry holds: how many tags, and the bytes on the disk of all blobs, which are beside
// the unpacked layers.
func (s *Store) RegistryUsage(ctx context.Context) (tags int, bytes int64, err error) {
	repos, err := s.repos()
	for _, r := range repos {
		names, err := r.list("tags")
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return 0, 0, fmt.Errorf("measure the registry: %w", err)
		}
		tags += len(names)
	}
	return tags, diskUsage(filepath.Join(s.dir, "blobs")), err
}
