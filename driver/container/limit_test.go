//go:build linux && cgo

package container

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"apron/driver"
	"apron/driver/drivertest"
)

// TestDiskLimit_HoldsOnBtrfs runs the claim that needs quotas on a file system that has them: a btrfs in a file.
func TestDiskLimit_HoldsOnBtrfs(t *testing.T) {
	h := newHostIn(t, mountBtrfs(t))
	const digest = "sha256:writer"
	app := appImage()
	app.Digest, app.Layers, app.Entrypoint, app.Cmd = digest, []string{drivertest.BuildApp(t)}, nil, []string{"/app"}
	h.images[digest] = app
	for _, r := range Requirements(h.dir) {
		if r.Name == "disk limit" && !r.OK {
			t.Errorf("doctor says: %+v", r)
		}
	}
	full, other := h.spec(), h.spec()
	for _, spec := range []*driver.Spec{&full, &other} {
		spec.Image, spec.DiskMiB = digest, 32
		h.start(*spec)
	}
	if status, body := h.ask(full.ID, "/write", "mb", "64"); status != http.StatusInsufficientStorage {
		t.Errorf("writing twice the limit: %d %s, want 507", status, body)
	}
	if status, body := h.ask(other.ID, "/write", "mb", "8"); status != http.StatusOK {
		t.Errorf("another instance cannot write: %d %s", status, body)
	}
	h.remove(full)
	h.remove(other)
	h.mustHoldNothing()
}

// mountBtrfs makes a btrfs with quotas in a file and mounts it until the test has ended.
func mountBtrfs(t *testing.T) string {
	needRoot(t)
	mkfs, err := exec.LookPath("mkfs.btrfs")
	if err != nil {
		t.Skipf("SKIP: %v; install it with apt-get install btrfs-progs", err)
	}
	file, dir := filepath.Join(t.TempDir(), "disk"), filepath.Join(t.TempDir(), "mnt")
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, 1<<30); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run(mkfs, "-q", file)
	run("mount", "-o", "loop", file, dir)
	t.Cleanup(func() { run("umount", dir) })
	run("btrfs", "quota", "enable", dir)
	return dir
}
