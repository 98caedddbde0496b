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

// keepFor is how long a base stays on this machine after its last build. It is worth some hundred megabytes of download.
const keepFor = 30 * 24 * time.Hour

func (b *Bases) recordFile(ref string) string {
	sum := sha256.Sum256([]byte(ref))
	return filepath.Join(b.cfg.Dir, "refs", hex.EncodeToString(sum[:])+".json")
}

func (b *Bases) record(ref string) (r record, err error) {
	err = readJSON(b.recordFile(ref), &r)
	return r, err
}

// Kept are the digests of the images from registries out there that a build began with in the last 30 days, for
// image.Store.Collect to leave. Those in the embedded registry are kept by their tags.
func (b *Bases) Kept() (digests []string, err error) {
	files, err := filepath.Glob(filepath.Join(b.cfg.Dir, "refs", "*.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		var r record
		if err := readJSON(file, &r); err != nil {
			return nil, err
		}
		if r.Digest != "" && time.Since(r.Used) < keepFor {
			digests = append(digests, r.Digest)
		}
	}
	return digests, nil
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
