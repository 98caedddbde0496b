package image

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// makeDir makes one directory, and missing parents, so that they survive a power loss.
func makeDir(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeDir(filepath.Dir(path)); err != nil {
			return err
		}
		err = os.Mkdir(path, 0o700)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// writeFile gives path its whole new content or leaves the old; when it returns nil the content survives a power loss.
func (s *Store) writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(s.tmp(), "file-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // once renamed, there is nothing of this name
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return publish(f.Name(), path)
}

// publish renames what is synced already to its final name and makes the name durable.
func publish(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// removeFile removes a name durably; one that is not there is fine.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if err := syncDir(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) { // it may be gone too: it was empty
		return err
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
