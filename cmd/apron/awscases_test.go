package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestAWSCLI_AnswersTheRecordedCases plays what AWS's CLI was recorded to do, every argument list with its files,
// environment and server, and wants the same exit code, outputs and requests. The recordings are no part of this
// repository; `make cli-diff` needs none and asks AWS's CLI itself.
func TestAWSCLI_AnswersTheRecordedCases(t *testing.T) {
	recorded, err := filepath.Abs("../../../shared/cli")
	if err != nil {
		t.Fatal(err)
	}
	compare := filepath.Join(recorded, "compare.py")
	if _, err := os.Stat(compare); err != nil {
		t.Skipf("SKIP: %v; the recorded cases are kept beside the repository", err)
	}
	out, err := exec.CommandContext(t.Context(), "python3", compare,
		"--cmd", programs.apron+" aws {args}", "--alias", "apron aws=aws", "--newer", "--min", "100").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
