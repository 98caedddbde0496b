package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// record is what images/<hex>.json holds. It is written when everything that it names is on disk and synced.
type record struct {
	Digest string   `json:"digest"`
	Layers []digest `json:"layers"` // diffIDs, lowest first
	Size   int64    `json:"size"`   // bytes of file content, all layers
	Image  Image    `json:"image"`  // Digest and Layers empty

	// Accounts are those that have pulled it, "" for the directory's own. Without any it is from when there was no other.
	Accounts []string `json:"accounts,omitempty"`
}

func (r record) pulledBy(account string) bool {
	return slices.Contains(r.Accounts, account) || len(r.Accounts) == 0 && account == ""
}

func newRecord(c chosen, cfg *v1.ConfigFile, ids []digest, size int64) record {
	return record{
		Digest: c.digest.String(),
		Layers: withoutRepeats(ids),
		Size:   size,
		Image: Image{
			Architecture: platform().Architecture,
			Entrypoint:   cfg.Config.Entrypoint,
			Cmd:          cfg.Config.Cmd,
			Env:          cfg.Config.Env,
			User:         cfg.Config.User,
			WorkingDir:   cfg.Config.WorkingDir,
			StopSignal:   cfg.Config.StopSignal,
		},
	}
}

// withoutRepeats keeps the topmost of equal layers: it covers the lower ones wholly, and overlayfs refuses to stack a
// directory on itself.
func withoutRepeats(ids []digest) []digest {
	var out []digest
	for i, id := range ids {
		if !slices.Contains(ids[i+1:], id) {
			out = append(out, id)
		}
	}
	return out
}

// Image returns an image that Pull has brought here. It reads the disk alone, and returns a *MissingError if the image, or
// a part of it, is not there.
func (s *Store) Image(_ context.Context, dig string) (Image, error) {
	d, err := parseDigest(dig)
	if err != nil {
		return Image{}, &InvalidError{Ref: dig, Cause: err}
	}
	r, err := s.readRecord(d)
	if errors.Is(err, fs.ErrNotExist) {
		return Image{}, &MissingError{Digest: dig}
	}
	if err != nil {
		return Image{}, fmt.Errorf("read image %s: %w", dig, err)
	}
	img := r.Image
	img.Digest = dig
	for _, id := range r.Layers {
		dir := filepath.Join(s.layerPath(id), "fs")
		if !exists(dir) {
			return Image{}, &MissingError{Digest: dig}
		}
		img.Layers = append(img.Layers, dir)
	}
	return img, nil
}

func (s *Store) writeRecord(r record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.writeFile(s.imagePath(digest(r.Digest)), data)
}

func (s *Store) readRecord(d digest) (record, error) {
	var r record
	data, err := os.ReadFile(s.imagePath(d))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(data, &r)
}

// notePull adds an account to those that have pulled an image. Pulls of the same image come here one after the other.
func (s *Store) notePull(d digest, account string) error {
	r, err := s.readRecord(d)
	if err != nil || r.pulledBy(account) {
		return err
	}
	if len(r.Accounts) == 0 {
		r.Accounts = []string{""}
	}
	r.Accounts = append(r.Accounts, account)
	return s.writeRecord(r)
}

// touchRecord says whether an image is whole, and makes it young again for Collect's grace. A record whose layers were
// removed by hand does not count: the pull goes on and heals it.
func (s *Store) touchRecord(d digest) error {
	if _, err := s.Image(context.Background(), d.String()); err != nil {
		return err
	}
	now := time.Now()
	return os.Chtimes(s.imagePath(d), now, now)
}

// Use says that somebody is about to need an image that was here before: it is as young as if it were pulled now, for Collect and
// for RemoveIdle, also for one that is under way. It is a *MissingError if the image is gone.
func (s *Store) Use(dig string) error {
	d, err := parseDigest(dig)
	if err != nil {
		return &InvalidError{Ref: dig, Cause: err}
	}
	defer s.pins.pin(imageKey(d))()
	return s.touchRecord(d)
}

// records yields all images that are here. A record that cannot be read is an error: taking it for absent would let
// Collect remove the layers of a running service.
func (s *Store) records() iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		entries, err := os.ReadDir(filepath.Join(s.dir, "images"))
		if err != nil {
			yield(record{}, err)
			return
		}
		for _, e := range entries {
			d, err := parseDigest(sha256Prefix + strings.TrimSuffix(e.Name(), ".json"))
			if err != nil {
				continue
			}
			r, err := s.readRecord(d)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				err = fmt.Errorf("read image record %s: %w", d, err)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}
