package drivertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// BuildApp returns a directory of the test's own that is the one layer of an image holding the test application
// as /app, a static program. The image's CMD should be ["/app"], with no ENTRYPOINT. The program is compiled once
// a test process.
func BuildApp(tb testing.TB) (layerDir string) {
	tb.Helper()
	program, err := compileApp()
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	for _, err := range []error{
		os.Chmod(dir, 0o755), // a service's user reads it
		os.WriteFile(filepath.Join(dir, "app"), program, 0o755),
		os.Chmod(filepath.Join(dir, "app"), 0o755),
		os.Mkdir(filepath.Join(dir, "tmp"), 0o755),
		os.Chmod(filepath.Join(dir, "tmp"), 0o777|os.ModeSticky),
	} {
		if err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

var compileApp = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "apron-testapp-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "app")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "apron/driver/drivertest/app")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the test application: %w\n%s", err, text)
	}
	return os.ReadFile(out)
})
