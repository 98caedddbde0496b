//go:build linux && cgo

package container

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"apron/driver"
)

// build is a build on the machine's own programs that runs the script.
func (h *host) build(script string) driver.Spec {
	s := h.spec()
	s.Image, s.Host = "", true
	s.Command, s.Build = []string{"/bin/sh", "-ec", script}, &driver.Build{}
	return s
}

// run starts the build, waits for its end and returns how it ended and what it printed.
func (h *host) run(s driver.Spec) (driver.Exit, string) {
	h.t.Helper()
	if err := h.Start(h.t.Context(), s); err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), 5*time.Minute)
	defer cancel()
	exit, err := h.Wait(ctx, s.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	log, err := os.ReadFile(s.LogPath)
	if err != nil {
		h.t.Fatal(err)
	}
	return exit, string(log)
}

// changes runs the build, which must succeed, and returns what it has written, and what it printed.
func (h *host) changes(s driver.Spec) (dir, log string) {
	h.t.Helper()
	exit, log := h.run(s)
	if exit.Code != 0 {
		h.t.Fatalf("the build ended with %+v:\n%s", exit, log)
	}
	dir, err := h.Changes(h.t.Context(), s.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return dir, log
}

func (h *host) destroy(id string) {
	h.t.Helper()
	if err := h.Destroy(h.t.Context(), id); err != nil {
		h.t.Fatal(err)
	}
	h.mustBeGone(id)
}

// tree makes a directory with the files, readable by all. A name that ends in a slash is a directory.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		parent, isFile := filepath.Dir(path), !strings.HasSuffix(name, "/")
		if !isFile {
			parent = path
		}
		err := os.MkdirAll(parent, 0o755)
		if err == nil && isFile {
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBuild_LayersLieOverTheBaseAndItsDirIsMade(t *testing.T) {
	h := newHost(t)
	s := h.build("pwd; cat /app/one /app/two; echo built > out; id -u; echo $HOME")
	s.Build.Dir = "/app/deep/dir"
	s.Build.Layers = []string{tree(t, map[string]string{"app/one": "1 of the lower\n", "app/two": "2 of the lower\n"}),
		tree(t, map[string]string{"app/two": "2 of the upper\n"})}
	dir, log := h.changes(s)
	if want := "/app/deep/dir\n1 of the lower\n2 of the upper\n0\n/root\n"; log != want {
		t.Errorf("printed %q, want %q", log, want)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "app/deep/dir/out")); string(data) != "built\n" {
		t.Errorf("written: %q, %v", data, err)
	}
	h.destroy(s.ID)
	h.mustHoldNothing()
}

func TestBuild_RunsItsCommandAloneAsRootWhateverTheImageSays(t *testing.T) {
	h := newHost(t)
	img := appImage()
	img.User, img.Entrypoint = "1000", []string{"/no/such/entrypoint"}
	h.images["sha256:other"] = img
	s := h.spec()
	s.Image, s.Command, s.Build = "sha256:other", []string{"/app", "exit", "3"}, &driver.Build{}
	exit, log := h.run(s)
	if exit.Code != 3 {
		t.Errorf("exit %+v, printed %q", exit, log)
	}
}

func TestBuild_MountsKeepWhatIsWrittenWithTheOwnersInside(t *testing.T) {
	h := newHost(t)
	cache := t.TempDir()
	for n, want := range []string{"", "kept\n"} {
		s := h.build(`cat /root/.cache/pip/file 2>/dev/null || true
			echo kept > /root/.cache/pip/file; chown 12:34 /root/.cache/pip/file
			touch /root/mine
			stat -c %u:%g /root/.cache/pip /root/.cache`)
		s.Build.Mounts = []driver.Mount{{Source: cache, Target: "/root/.cache/pip"}}
		dir, log := h.changes(s)
		if want += "0:0\n0:0\n"; log != want {
			t.Errorf("run %d printed %q, want %q", n, log, want)
		}
		if got := ownerOf(t, filepath.Join(cache, "file")); got != "12:34" {
			t.Errorf("run %d: the file in the cache belongs to %s", n, got)
		}
		if got := names(t, dir); got != "etc/ root/ root/mine" {
			t.Errorf("run %d: changed %q, want what the build itself has made", n, got)
		}
		h.destroy(s.ID)
	}
	if _, err := os.Stat(filepath.Join(cache, "file")); err != nil {
		t.Errorf("the cache is gone with the build: %v", err)
	}
}

// names lists what is below dir, in order.
func names(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if name, _ := filepath.Rel(dir, path); name != "." && err == nil {
			if e.IsDir() {
				name += "/"
			}
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestChanges_AreAnOverlaysUpperDirectoryWithTheOwnersInside(t *testing.T) {
	for _, withUsers := range []bool{true, false} {
		h := newHost(t)
		if !withUsers {
			h.withoutUsers()
		}
		s := h.build(`rm /app/gone; rm -r /app/dir; mkdir /app/dir; echo new > /app/dir/new
			mv /app/moved /app/there; chown 7:8 /app/suid; chmod 4755 /app/suid; ln /app/dir/new /app/link
			/usr/bin/python3 -c 'import os; os.setxattr("/app/capable", "security.capability", bytes([1, 0, 0, 2, 0, 4] + 14 * [0]))'
			rm /etc/hosts; echo mine > /etc/resolv.conf; echo mine > /etc/mine`)
		s.Build.Layers = []string{tree(t, map[string]string{"app/gone": "", "app/dir/old": "", "app/moved/in": "in", "app/suid": "", "app/capable": "", "app/kept": ""})}
		dir, _ := h.changes(s)
		again, err := h.Changes(t.Context(), s.ID)
		if err != nil || again != dir {
			t.Errorf("asked again: %q, %v", again, err)
		}
		const want = "app/ app/capable app/dir/ app/dir/new app/gone app/link app/moved app/suid app/there/ app/there/in etc/ etc/mine"
		if got := names(t, dir); got != want {
			t.Errorf("changed %q\nwant    %q", got, want)
		}
		requireWhiteout(t, filepath.Join(dir, "app/gone"))
		requireWhiteout(t, filepath.Join(dir, "app/moved"))
		if got := xattr(t, filepath.Join(dir, "app/dir"), "trusted.overlay.opaque"); got != "y" {
			t.Errorf("a directory in the place of another is marked %q", got)
		}
		info, err := os.Stat(filepath.Join(dir, "app/suid"))
		if err != nil || info.Mode() != 0o755|fs.ModeSetuid || ownerOf(t, filepath.Join(dir, "app/suid")) != "7:8" {
			t.Errorf("the setuid program: %v %s, %v", info.Mode(), ownerOf(t, filepath.Join(dir, "app/suid")), err)
		}
		if got := xattr(t, filepath.Join(dir, "app/capable"), capabilityXattr); got != "\x01\x00\x00\x02\x00\x04"+strings.Repeat("\x00", 14) {
			t.Errorf("the file's capabilities are %q", got)
		}
		for _, name := range []string{"app/dir/new", "app/there", "etc/mine"} {
			if got := ownerOf(t, filepath.Join(dir, name)); got != "0:0" {
				t.Errorf("%s belongs to %s", name, got)
			}
		}
		h.destroy(s.ID)
	}
}

// A build may put links where the driver had made files and mount points. They lead nowhere on the machine.
func TestChanges_FollowNoLinkOutOfWhatTheBuildHasWritten(t *testing.T) {
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Skipf("needs Debian's busybox-static: %v", err)
	}
	h := newHost(t)
	outside := tree(t, map[string]string{"hostname": "", "hosts": "", "resolv.conf": "", "mount/": ""})
	s := h.spec()
	s.Build = &driver.Build{
		Layers: []string{tree(t, map[string]string{"busybox": string(busybox)})},
		Mounts: []driver.Mount{{Source: t.TempDir(), Target: "/caches/mount"}},
	}
	if err := os.Chmod(filepath.Join(s.Build.Layers[0], "busybox"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.Command = []string{"/busybox", "sh", "-ec", `
		/busybox rm -r /etc; /busybox ln -s "$1" /etc
		/busybox mv /caches /moved; /busybox ln -s "$1" /caches`, "sh", outside}
	dir, _ := h.changes(s)
	for _, name := range []string{"etc", "caches"} {
		if to, err := os.Readlink(filepath.Join(dir, name)); to != outside {
			t.Errorf("the build left /%s as a link to %q, %v: nothing is tried here", name, to, err)
		}
	}
	if got, want := names(t, outside), "hostname hosts mount/ resolv.conf"; got != want {
		t.Errorf("where the links lead there is %q, want %q", got, want)
	}
	h.destroy(s.ID)
}

func requireWhiteout(t *testing.T, path string) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != 0 {
		t.Errorf("%s is no whiteout: mode %o, device %d, %v", path, st.Mode, st.Rdev, err)
	}
}

func xattr(t *testing.T, path, name string) string {
	t.Helper()
	buf := make([]byte, 64)
	n, err := unix.Lgetxattr(path, name, buf)
	if err != nil && !errors.Is(err, syscall.ENODATA) {
		t.Fatal(path, err)
	}
	return string(buf[:max(n, 0)])
}

func TestChanges_OfWhatRunsOrIsNotThereAreRefused(t *testing.T) {
	h := newHost(t)
	s := h.build("sleep 60")
	if err := h.Start(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Changes(t.Context(), s.ID); !errors.Is(err, driver.ErrNotEnded) {
		t.Errorf("of a running build: %v", err)
	}
	h.destroy(s.ID)
	if _, err := h.Changes(t.Context(), s.ID); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("of one that is gone: %v", err)
	}
}

func TestBuild_OutOfMemoryIsToldAndNothingIsLeft(t *testing.T) {
	h := newHost(t)
	const eat = `perl -e '$x = "x" x (200 << 20); print length $x'`
	for script, code := range map[string]int{"exec " + eat: 137, eat + " || exit 2": 2} {
		s := h.build(script)
		s.Memory = 64
		if exit, log := h.run(s); !exit.OOM || exit.Code != code {
			t.Errorf("%s: exit %+v, printed %q", script, exit, log)
		}
		h.destroy(s.ID)
	}
	s := h.build(eat + " || true")
	s.Memory = 64
	if exit, _ := h.run(s); exit.OOM || exit.Code != 0 {
		t.Errorf("a build that did without: %+v", exit)
	}
	h.destroy(s.ID)
	h.mustHoldNothing()
}

// A build gets a sixteenth of what a service of one vCPU gets where both want all of it.
func TestBuild_YieldsTheCPUToServices(t *testing.T) {
	h := newHost(t)
	s := h.build("while :; do :; done")
	s.CPU = 2048
	if err := h.Start(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, dir := range groupsNamed(s.ID) {
		if data, err := os.ReadFile(filepath.Join(dir, "cpu.shares")); err == nil {
			found++
			if got := strings.TrimSpace(string(data)); got != "64" {
				t.Errorf("cpu.shares %s, want 64", got)
			}
		}
		if data, err := os.ReadFile(filepath.Join(dir, "cpu.weight")); err == nil {
			found++
			if got := strings.TrimSpace(string(data)); len(got) > 2 {
				t.Errorf("cpu.weight %s, want less than the 100 of a service", got)
			}
		}
	}
	if found == 0 {
		t.Error("no weight was found: this test proves nothing")
	}
	h.destroy(s.ID)
}

func TestBuild_OneThatIsMalformedIsRefused(t *testing.T) {
	h := newHost(t)
	for what, b := range map[string]driver.Build{
		"layer":  {Layers: []string{"app"}},
		"source": {Mounts: []driver.Mount{{Source: "cache", Target: "/cache"}}},
		"root":   {Mounts: []driver.Mount{{Source: "/tmp", Target: "/."}}},
		"absent": {Mounts: []driver.Mount{{Source: filepath.Join(h.dir, "absent"), Target: "/cache"}}},
	} {
		s := h.build("true")
		s.Build = &b
		if err := h.Start(t.Context(), s); err == nil {
			t.Errorf("%s: started", what)
		}
		h.mustBeGone(s.ID)
	}
	h.mustHoldNothing()
}
