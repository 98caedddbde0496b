// Package archive reads images that lie in files, as `docker save`, `podman save`, skopeo, buildah, ko and apko write them, and pushes
// them to a registry. The command line's `up` uses it. It runs nothing and keeps nothing but a temporary directory, which
// ends with Close.
package archive

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Image is an image, or several of one program for several platforms, ready to be pushed.
type Image struct {
	content remote.Taggable
	one     v1.Image // nil when there is one for each of several platforms
	temp    string   // directory that goes with Close
}

// ErrNoImage says that what was to be opened is no image's archive.
var ErrNoImage = errors.New("it holds no image: neither a docker archive nor an OCI layout")

// Open reads the archive, compressed by gzip or not, or the directory in OCI layout, at path. Close it.
func Open(path string) (*Image, error) {
	i := &Image{}
	if err := i.open(path); err != nil {
		return nil, errors.Join(fmt.Errorf("open image %s: %w", path, err), i.Close())
	}
	return i, nil
}

func (i *Image) open(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return i.openLayout(path)
	}
	names, err := heads(path)
	switch {
	case err != nil:
		return err
	case slices.Contains(names, "manifest.json"):
		return i.openDocker(path)
	case slices.Contains(names, "index.json"):
		return i.openOCI(path)
	}
	return ErrNoImage
}

// Close takes away what was unpacked.
func (i *Image) Close() error {
	if i.temp == "" {
		return nil
	}
	return os.RemoveAll(i.temp)
}

// Port is the only port that the image says it listens on; empty where it names none or several.
func (i *Image) Port() string {
	if i.one == nil {
		return ""
	}
	config, err := i.one.ConfigFile()
	if err != nil || len(config.Config.ExposedPorts) != 1 {
		return "" // what is wrong with the configuration is told when it is pushed
	}
	for port := range config.Config.ExposedPorts {
		number, protocol, _ := strings.Cut(port, "/")
		if protocol == "" || protocol == "tcp" {
			return number
		}
	}
	return ""
}

func (i *Image) openDocker(path string) (err error) {
	i.one, err = tarball.Image(func() (io.ReadCloser, error) { return openTar(path) }, nil)
	i.content = i.one
	return err
}

// openLayout takes what the layout's index leads to: one image, one index, or the index itself where it is that of the
// platforms of one program.
func (i *Image) openLayout(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "index.json")); err != nil {
		return ErrNoImage
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return err
	}
	list, err := index.IndexManifest()
	if err != nil {
		return err
	}
	many := slices.ContainsFunc(list.Manifests, func(d v1.Descriptor) bool { return d.Platform == nil })
	switch {
	case len(list.Manifests) == 1 && list.Manifests[0].MediaType.IsIndex():
		i.content, err = index.ImageIndex(list.Manifests[0].Digest)
	case len(list.Manifests) == 1:
		i.one, err = index.Image(list.Manifests[0].Digest)
		i.content = i.one
	case many || len(list.Manifests) == 0:
		return fmt.Errorf("it holds %d images; keep the one that is meant", len(list.Manifests))
	default:
		i.content = index
	}
	return err
}

// openOCI unpacks a layout, because its blobs are read in any order.
func (i *Image) openOCI(path string) (err error) {
	if i.temp, err = os.MkdirTemp("", "apron-image-"); err != nil {
		return err
	}
	root, err := os.OpenRoot(i.temp)
	if err != nil {
		return err
	}
	defer root.Close()
	err = each(path, func(h *tar.Header, content io.Reader) error {
		if h.Typeflag != tar.TypeReg {
			return nil // a layout is files
		}
		return unpack(root, clean(h.Name), content)
	})
	if err != nil {
		return err
	}
	return i.openLayout(i.temp)
}

// unpack writes a file below root, which lets no name lead out of it.
func unpack(root *os.Root, name string, content io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// heads lists the names at the top of a tar. One that is none at all is no image's.
func heads(path string) (names []string, err error) {
	err = each(path, func(h *tar.Header, _ io.Reader) error {
		names = append(names, clean(h.Name))
		return nil
	})
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) {
		return nil, ErrNoImage
	}
	return names, err
}

func clean(name string) string { return strings.TrimPrefix(filepath.Clean(name), "/") }

// each calls f for each entry of a tar.
func each(path string, f func(*tar.Header, io.Reader) error) error {
	file, err := openTar(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for r := tar.NewReader(file); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(h, r); err != nil {
			return err
		}
	}
}

// openTar opens a tar, compressed or not.
func openTar(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReader(f)
	if magic, _ := buffered.Peek(2); string(magic) != "\x1f\x8b" {
		return readCloser{buffered, f}, nil
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return readCloser{unzipped, f}, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}
