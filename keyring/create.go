package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"
)

// create writes a new key to path.
func create(path string) error {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	return CreateFile(path, fmt.Appendf(nil, "# The key of this data directory. Keep a copy: without it, stored secrets are lost.\n%s\n", identity))
}

// CreateFile makes a file of mode 0600 with a secret, whole or not at all, also when the power fails: temporary file, fsync, its final
// name, fsync of the directory. The name is given by a link, which unlike a rename never takes the place of another's secret: a file that is
// there already stays, and is no error.
func CreateFile(path string, text []byte) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if _, err := tmp.Write(text); err != nil {
		return err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
