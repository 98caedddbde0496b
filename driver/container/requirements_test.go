//go:build linux && cgo

package container

import "testing"

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
