//go:build linux && cgo

package container

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRequirements_HoldWhereTheOtherTestsRun(t *testing.T) {
	needRoot(t)
	for _, r := range Requirements(t.TempDir()) {
		t.Logf("%-18s mandatory=%-5v ok=%-5v %s", r.Name, r.Mandatory, r.OK, r.Detail)
		if r.Mandatory && !r.OK {
			t.Errorf("%s: %s", r.Name, r.Detail)
		}
		if !r.OK && (r.Detail == "" || r.Remedy == "") {
			t.Errorf("%s fails without saying why and what to do: %+v", r.Name, r)
		}
	}
}

func TestRequirements_NameAFileSystemThatCannotHoldAnOverlay(t *testing.T) {
	needRoot(t)
	for _, r := range Requirements("/proc/self/no") {
		if r.Name == "overlayfs" && (r.OK || r.Remedy == "") {
			t.Errorf("overlayfs on /proc: %+v", r)
		}
	}
}

func TestRequirements_NameAChrootIntoAPlainDirectory(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	err := onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return err
		}
		if err := unix.Chroot(dir); err != nil {
			return err
		}
		return ownMounts()
	})
	if err == nil || !strings.Contains(err.Error(), "not a mount point, as in a chroot") {
		t.Errorf("in a chroot: %v", err)
	}
}
