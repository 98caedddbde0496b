package drivertest

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"apron/driver"
)

// build is a build that copies a file and ends. /seed/file is in a layer of its own.
func (b *bench) build(from, to string) driver.Spec {
	b.t.Helper()
	layer := b.t.TempDir()
	for _, err := range []error{
		os.Chmod(layer, 0o755), os.Mkdir(filepath.Join(layer, "seed"), 0o755),
		os.WriteFile(filepath.Join(layer, "seed", "file"), []byte("seed"), 0o644),
	} {
		if err != nil {
			b.t.Fatal(err)
		}
	}
	spec := b.spec("COPY="+from+"="+to, "EXIT_AT_START=0")
	spec.Command, spec.Build = []string{"/app", "build"}, &driver.Build{Layers: []string{layer}, Dir: "/work/dir"}
	return spec
}

// finish runs the build, which must succeed, and returns its changes.
func (b *bench) finish(spec driver.Spec) (dir string) {
	b.t.Helper()
	b.start(spec)
	if exit := b.wait(spec.ID); exit.Code != 0 {
		log, _ := os.ReadFile(spec.LogPath)
		b.t.Fatalf("exit = %+v\n%s", exit, log)
	}
	dir, err := b.changer().Changes(b.ctx, spec.ID)
	if err != nil {
		b.t.Fatal("Changes:", err)
	}
	return dir
}

func (b *bench) changer() driver.Changer {
	b.t.Helper()
	c, ok := b.Driver.(driver.Changer)
	if !ok {
		b.t.Skip("this driver hands out no changes, so no builds are made with it")
	}
	return c
}

func buildChanges(t *testing.T, b *bench) {
	spec := b.build("/seed/file", "copied")
	dir := b.finish(spec)
	if data, err := os.ReadFile(filepath.Join(dir, "work/dir/copied")); string(data) != "seed" {
		t.Errorf("in its directory the build has written %q, %v", data, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "seed/file")); err == nil {
		t.Error("a file that was only read is among the changes")
	}
	if again, err := b.changer().Changes(b.ctx, spec.ID); err != nil || again != dir {
		t.Errorf("Changes again = %q, %v, want %q", again, err, dir)
	}
}

func buildMounts(t *testing.T, b *bench) {
	cache := t.TempDir()
	mounts := []driver.Mount{{Source: cache, Target: "/cache/deep"}}
	first := b.build("/seed/file", "/cache/deep/kept")
	first.Build.Mounts = mounts
	dir := b.finish(first)
	if _, err := os.Stat(filepath.Join(dir, "cache")); err == nil {
		t.Error("the mount is among the changes")
	}
	b.destroy(first.ID)
	second := b.build("/cache/deep/kept", "again")
	second.Build.Mounts = mounts
	if data, err := os.ReadFile(filepath.Join(b.finish(second), "work/dir/again")); string(data) != "seed" {
		t.Errorf("the second build found %q, %v", data, err)
	}
}

func changesRefused(t *testing.T, b *bench) {
	changer, spec := b.changer(), b.serve()
	if _, err := changer.Changes(b.ctx, spec.ID); !errors.Is(err, driver.ErrNotEnded) {
		t.Errorf("Changes while it runs = %v, want ErrNotEnded", err)
	}
	b.destroy(spec.ID)
	if _, err := changer.Changes(b.ctx, spec.ID); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Changes after Destroy = %v, want ErrNotFound", err)
	}
}

func recoverBuild(t *testing.T, b *bench) {
	b.changer()
	spec := b.build("/seed/file", "copied")
	spec.Env = spec.Env[:len(spec.Env)-1] // it stays
	b.start(spec)
	b.get(spec.ID, "/")
	found := b.restart()
	if len(found) != 1 || found[0].State != driver.Running || !reflect.DeepEqual(found[0].Spec, spec) {
		t.Errorf("Recover found %+v, want the build as it was started: %+v", found, spec)
	}
	b.destroy(spec.ID)
	if found := b.restart(); len(found) != 0 {
		t.Errorf("after Destroy there is %+v", found)
	}
}
