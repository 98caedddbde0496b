package runtimes

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/klauspost/compress/gzip"
)

// write makes an image of one layer of a root file system, whose time is that of its newest package.
func (d Debian) write(root, version, path string) error {
	newest, err := newestPackage(root)
	if err != nil {
		return fmt.Errorf("make image of the base: %w", err)
	}
	layerFile := filepath.Join(filepath.Dir(root), "layer.tar.gz")
	if err := writeLayer(root, layerFile, newest); err != nil {
		return fmt.Errorf("make image of the base: %w", err)
	}
	layer, err := tarball.LayerFromFile(layerFile)
	if err != nil {
		return fmt.Errorf("make image of the base: %w", err)
	}
	img, err := d.image(layer, newest, version)
	if err != nil {
		return fmt.Errorf("make image of the base: %w", err)
	}
	tag, err := name.NewTag(Repository(d.Runtime.Name) + ":" + version)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(path, tag, img)
}

func (d Debian) image(layer v1.Layer, created time.Time, version string) (v1.Image, error) {
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", runtime.GOARCH, v1.Time{Time: created}
	config.Config = v1.Config{
		Env: d.env(), Cmd: []string{"/bin/sh"},
		Labels: map[string]string{"org.opencontainers.image.title": Repository(d.Runtime.Name), "org.opencontainers.image.version": version},
	}
	return mutate.ConfigFile(img, config)
}

func (d Debian) env() []string {
	env := []string{basePath}
	if !slices.Contains(d.Packages, "gcc") {
		for _, name := range slices.Sorted(maps.Keys(d.Runtime.BaseEnv)) {
			env = append(env, name+"="+d.Runtime.BaseEnv[name])
		}
	}
	return env
}

// newestPackage is when the newest of the packages was made, which is the same whenever they are installed.
func newestPackage(root string) (newest time.Time, err error) {
	err = eachEntry(root, func(h *tar.Header, _ io.Reader) error {
		if strings.HasPrefix(h.Name, "./var/lib/dpkg/info/") && strings.HasSuffix(h.Name, ".md5sums") && h.ModTime.After(newest) {
			newest = h.ModTime
		}
		return nil
	})
	if err == nil && newest.IsZero() {
		err = errors.New("mmdebstrap's archive holds no packages")
	}
	return newest, err
}

func eachEntry(root string, do func(*tar.Header, io.Reader) error) error {
	f, err := os.Open(root)
	if err != nil {
		return err
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = do(h, r)
		}
		if err != nil {
			return err
		}
	}
}

// writeLayer compresses what an image can hold, with no file younger than newest.
func writeLayer(root, file string, newest time.Time) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return err
	}
	w := tar.NewWriter(z)
	err = eachEntry(root, func(h *tar.Header, content io.Reader) error {
		if h.Typeflag == tar.TypeChar || h.Typeflag == tar.TypeBlock {
			return nil // instances get their own, and no layer may bring any
		}
		h.Uname, h.Gname, h.AccessTime, h.ChangeTime, h.Format = "", "", time.Time{}, time.Time{}, tar.FormatPAX
		if h.ModTime.After(newest) {
			h.ModTime = newest
		}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err := io.Copy(w, content)
		return err
	})
	return errors.Join(err, w.Close(), z.Close())
}
