package drivertest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"apron/driver"
)

// Changes returns what a fake build has written; see driver.Changer.
func (f *Fake) Changes(ctx context.Context, id string) (string, error) {
	i, err := f.look(ctx, id)
	if err != nil {
		return "", err
	}
	if i.inspect().State != driver.Ended {
		return "", driver.ErrNotEnded
	}
	return i.dir, os.MkdirAll(i.dir, 0o755)
}

func (i *fakeInstance) copy(from, to string) error {
	data, err := i.read(from)
	if err != nil {
		return err
	}
	path := i.place(to)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// read looks where overlayfs would: at what was written, then from the topmost layer down.
func (i *fakeInstance) read(name string) ([]byte, error) {
	data, err := os.ReadFile(i.place(name))
	if i.spec.Build == nil {
		return data, err
	}
	for _, layer := range slices.Backward(i.spec.Build.Layers) {
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
		data, err = os.ReadFile(filepath.Join(layer, i.absolute(name)))
	}
	return data, err
}

// place is where a file of the instance is written to.
func (i *fakeInstance) place(name string) string {
	name = i.absolute(name)
	if i.spec.Build != nil {
		for _, m := range i.spec.Build.Mounts {
			if rest, ok := strings.CutPrefix(name, m.Target+"/"); ok {
				return filepath.Join(m.Source, rest)
			}
		}
	}
	return filepath.Join(i.dir, name)
}

func (i *fakeInstance) absolute(name string) string {
	if filepath.IsAbs(name) || i.spec.Build == nil {
		return filepath.Join("/", name)
	}
	return filepath.Join("/", i.spec.Build.Dir, name)
}
