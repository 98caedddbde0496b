package drivertest_test

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"apron/driver/drivertest"
)

// The program of the real images is the same application.
func TestBuildApp_MakesAStaticProgram(t *testing.T) {
	path := filepath.Join(drivertest.BuildApp(t), "app")
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program needs a loader, which the image does not have")
		}
	}
	cmd := exec.Command(path, "an-argument")
	cmd.Env = []string{"EXIT_AT_START=3"}
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 3 || !strings.Contains(string(out), "an-argument") {
		t.Errorf("exit code %d, output %q", code, out)
	}
}
