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

// Remove takes one image off this machine, with the layers that no other image here uses, and returns the bytes it freed.
// Its pushes in the embedded registry stay. An image that is not here is no error. The caller makes sure that no instance
// runs on it. While a pull is making the image, it is kept and an error is returned.
func (s *Store) Remove(_ context.Context, dig string) (freed int64, err error) {
	taken, freed, err := s.remove(dig, time.Time{})
	if err == nil && !taken {
		err = fmt.Errorf("remove image %s: it is being pulled just now; try again when that has ended", dig)
	}
	return freed, err
}

// RemoveIdle is Remove for an image that may be taken into use at any moment: one that was pulled, made or built upon within
// that time stays, and so does one that is being pulled.
func (s *Store) RemoveIdle(_ context.Context, dig string, idle time.Duration) (freed int64, err error) {
	_, freed, err = s.remove(dig, time.Now().Add(-idle))
	return freed, err
}

// remove takes an image away that was last used before that time, or at any if that is zero. taken is false where it had to
// stay.
func (s *Store) remove(dig string, before time.Time) (taken bool, freed int64, err error) {
	d, err := parseDigest(dig)
	if err != nil {
		return false, 0, &InvalidError{Ref: dig, Cause: err}
	}
	defer s.pins.sweep()() // before the look at the time: who uses the image after it has pinned it
	r, used, err := s.usedRecord(d)
	if errors.Is(err, fs.ErrNotExist) {
		return true, 0, nil
	}
	if err != nil {
		return false, 0, fmt.Errorf("remove image %s: %w", dig, err)
	}
	if !before.IsZero() && used.After(before) {
		return false, 0, nil
	}
	// The record goes first: an image is never found with a part missing.
	taken, err = s.unlink(imageKey(d), s.imagePath(d))
	if err != nil {
		return false, 0, fmt.Errorf("remove image %s: %w", dig, err)
	}
	if !taken {
		return false, 0, nil
	}
	freed, err = s.removeLayers(r.Layers)
	return true, freed, err
}

// unlink removes the file at path durably, unless somebody needs key, and reports whether it is gone. Another sweep may
// have removed it since it was looked for.
func (s *Store) unlink(key, path string) (taken bool, err error) {
	taken, err = s.pins.take(key, func() error { return os.Remove(path) })
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if !taken || err != nil {
		return taken, err
	}
	if err := syncDir(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) { // another sweep may have removed the directory
		return true, err
	}
	return true, nil
}

func (s *Store) removeLayers(ids []digest) (freed int64, err error) {
	used, err := s.usedLayers()
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if used[id] {
			continue
		}
		n, err := s.discard(layerKey(id), s.layerPath(id))
		if err != nil {
			return freed, fmt.Errorf("remove layer %s: %w", id, err)
		}
		freed += n
	}
	return freed, nil
}

func (s *Store) usedLayers() (map[digest]bool, error) {
	used := map[digest]bool{}
	for r, err := range s.records() {
		if err != nil {
			return nil, err
		}
		for _, id := range r.Layers {
			used[id] = true
		}
	}
	return used, nil
}
