//go:build linux && cgo

package container

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"apron/driver"
	"apron/driver/drivertest"
	"apron/image"
)

// TestConformance holds the driver to the suite that every driver is held to.
func TestConformance(t *testing.T) {
	needRoot(t)
	const digest = "sha256:conformance"
	app := image.Image{Digest: digest, Architecture: runtime.GOARCH, Layers: []string{drivertest.BuildApp(t)}, Cmd: []string{"/app"}}
	hosts := map[driver.Driver]*host{}
	drivertest.Run(t, drivertest.Harness{
		Image: digest,
		Skip:  unsupported(t),
		New: func(t *testing.T) driver.Driver {
			h := newHost(t)
			h.images[digest] = app
			hosts[h.Driver] = h
			return h.Driver
		},
		Restart: func(t *testing.T, d driver.Driver) driver.Driver {
			h := hosts[d]
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
			h.open()
			hosts[h.Driver] = h
			return h.Driver
		},
		MakePartial: func(t *testing.T, d driver.Driver, spec driver.Spec) {
			dir := filepath.Join(hosts[d].dir, "instances", spec.ID)
			err := errors.Join(os.MkdirAll(filepath.Join(dir, "upper"), 0o700), writeRecord(dir, specFile, record{Spec: spec}))
			if err != nil {
				t.Fatal(err)
			}
		},
	})
}

// unsupported names the claims that this machine cannot keep, as Requirements says.
func unsupported(t *testing.T) map[string]string {
	for _, r := range Requirements(t.TempDir()) {
		if r.Name == "disk limit" && !r.OK {
			return map[string]string{"A full disk is an error of the instance alone": r.Detail}
		}
	}
	return nil
}
