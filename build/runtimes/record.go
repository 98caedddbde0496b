package runtimes

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// record is what is known of a reference of a registry out there. It is a memory, not a promise: without it the registry
// is asked again.
type record struct {
	Ref      string    `json:"ref"`
	Digest   string    `json:"digest"`
	Resolved time.Time `json:"resolved"` // when the registry said so
	Used     time.Time `json:"used"`     // when a build last began with it
}

// Kept is an image that builds began with.
type Kept struct {
	Digest string
	Used   time.Time // when a build last began with it
}

func (b *Bases) recordFile(ref string) string {
	sum := sha256.Sum256([]byte(ref))
	return filepath.Join(b.cfg.Dir, "refs", hex.EncodeToString(sum[:])+".json")
}

func (b *Bases) record(ref string) (r record, err error) {
	err = readJSON(b.recordFile(ref), &r)
	return r, err
}

// Kept lists the images that builds ever began with, whether or not they are still on this machine: for who collects images to
// leave those that the next build will want.
func (b *Bases) Kept() (list []Kept, err error) {
	files, err := filepath.Glob(filepath.Join(b.cfg.Dir, "refs", "*.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		var r record
		if err := readJSON(file, &r); err != nil {
			return nil, err
		}
		if r.Digest != "" {
			list = append(list, Kept{r.Digest, r.Used})
		}
	}
	return list, nil
}

// readJSON leaves into as it is when there is no such file.
func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read %s: %w; remove the file, it is made again", path, err)
	}
	return nil
}

// writeJSON puts a file in its place at once and whole, so that kill -9 leaves the old one or the new one.
func writeJSON(path string, from any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "new-")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, remove(f.Name()))
	}
	return nil
}

// remove removes a file that need not be there.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
