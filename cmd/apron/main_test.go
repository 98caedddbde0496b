package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"apron/aprontest"
)

// The programs that the tests of this package run: apron itself, with the hook that kills it at a named place, and
// what it is given to run.
var programs struct{ apron, hello, app string }

func TestMain(m *testing.M) {
	if os.Geteuid() != 0 {
		fmt.Println("SKIP: these tests run containers and need root; run them with sudo")
		return
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "apron-test-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := buildPrograms(dir); err != nil {
		fmt.Println(err)
		return 1
	}
	return m.Run()
}

func buildPrograms(dir string) error {
	programs.apron, programs.hello, programs.app = filepath.Join(dir, "apron"), filepath.Join(dir, "hello"), filepath.Join(dir, "app")
	build := exec.Command("go", "build", "-tags", "seccomp,netgo,osusergo,crashtest", "-ldflags", "-extldflags -static", "-o", programs.apron, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build apron: %w\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := aprontest.Build(ctx, "../../examples/hello", programs.hello); err != nil {
		return err
	}
	return aprontest.Build(ctx, "../../driver/drivertest/app", programs.app)
}
