package aprontest

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// BusyBoxPython is what the base says of its Python.
const BusyBoxPython = "3.11.2"

// BusyBox is an image that services with the runtime python311 can be built on: Debian's static BusyBox, and a python3 that
// knows its version and nothing else. A build on it takes as long as its commands, and what it makes is served by httpd.
func BusyBox() (v1.Image, error) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return nil, fmt.Errorf("make base image: %w; install it with apt-get install busybox-static", err)
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		return nil, fmt.Errorf("make base image: %w", err)
	}
	applets, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("make base image: list BusyBox's programs: %w", err)
	}
	var b bytes.Buffer
	if err := writeBase(tar.NewWriter(&b), program, strings.Fields(string(applets))); err != nil {
		return nil, fmt.Errorf("make base image: %w", err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		return nil, fmt.Errorf("make base image: %w", err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, fmt.Errorf("make base image: %w", err)
	}
	return mutate.ConfigFile(img, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH, RootFS: rootFS(img)})
}

func writeBase(w *tar.Writer, busybox []byte, applets []string) error {
	files := []struct {
		tar.Header
		text []byte
	}{
		{tar.Header{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755}, nil},
		{tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}, nil},
		{tar.Header{Name: "bin/busybox", Mode: 0o755}, busybox},
		{tar.Header{Name: "bin/python3", Mode: 0o755}, []byte("#!/bin/sh\necho Python " + BusyBoxPython + "\n")},
	}
	for _, name := range slices.DeleteFunc(applets, func(name string) bool { return name == "busybox" }) {
		files = append(files, struct {
			tar.Header
			text []byte
		}{tar.Header{Name: "bin/" + name, Typeflag: tar.TypeSymlink, Linkname: "busybox", Mode: 0o777}, nil})
	}
	for _, f := range files {
		f.Size = int64(len(f.text))
		if err := w.WriteHeader(&f.Header); err != nil {
			return err
		}
		if _, err := w.Write(f.text); err != nil {
			return err
		}
	}
	return w.Close()
}
