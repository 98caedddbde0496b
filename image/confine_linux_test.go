package image

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestConfined_ShutsOneThreadIn shows the second wall alone: code that knows no bounds stays inside, and the rest of the
// process keeps its root.
func TestConfined_ShutsOneThreadIn(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for chroot")
	}
	root := t.TempDir()
	for range 20 {
		err := confined(root, func() error {
			if err := unix.Chroot("."); err != nil {
				return err
			}
			if unix.Gettid() == os.Getpid() {
				t.Error("the main thread was shut in")
			}
			return os.WriteFile("/../../etc-apron-test-escape", nil, 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !exists(filepath.Join(root, "etc-apron-test-escape")) || exists("/etc-apron-test-escape") {
		t.Error("the file is not where it should be")
	}
	if at, err := os.Readlink("/proc/self/root"); err != nil || at != "/" {
		t.Errorf("the process's root is %s, %v", at, err)
	}
}

func TestGuard_TurnsAPanicIntoAnError(t *testing.T) {
	if err := guard(func() error { panic("hostile") }); err == nil {
		t.Error("no error")
	}
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		`Get "https://me:pw@host.example:8443/v2/a?sig=S&x=y": EOF`: `Get "https://host.example:8443/v2/a": EOF`,
		"https://host.example/path":                                 "https://host.example/path",
		"HTTP://u:p@h":                                              "HTTP://h",
		"sent Authorization: Bearer abcdefgh.ijkl":                  "sent Authorization: Bearer (hidden)",
		"image web:v1 does not exist":                               "image web:v1 does not exist",
	} {
		if got := redact(text); got != want {
			t.Errorf("redact(%q) = %q, want %q", text, got, want)
		}
	}
}
