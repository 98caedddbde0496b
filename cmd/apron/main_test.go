package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
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
	os.Setenv("TMPDIR", dir) // so that the directories of all tests are found when they are interrupted
	go cleanWhenInterrupted(dir)
	if err := buildPrograms(dir); err != nil {
		fmt.Println(err)
		return 1
	}
	return m.Run()
}

// cleanWhenInterrupted does at ^C what the tests' own ends would have done: it stops every server and instance.
func cleanWhenInterrupted(dir string) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	<-interrupted
	signal.Ignore(syscall.SIGPIPE) // the go command has gone already, and with it what reads our output
	fmt.Println("interrupted: stopping the servers and instances of the tests")
	apron := programs.apron + "-stop"
	if err := os.Rename(programs.apron, apron); err != nil { // no test starts another server
		fmt.Println(err)
	}
	for range 3 { // the tests go on meanwhile
		for _, pattern := range []string{"*/*/data", "*/*/*/data"} { // of t.TempDir and of testscript
			found, _ := filepath.Glob(filepath.Join(dir, pattern))
			for _, data := range found {
				if out, err := exec.Command(apron, "stop", "--all", "--data", data).CombinedOutput(); err != nil {
					fmt.Printf("apron stop --all --data %s: %v\n%s", data, err, out)
				}
			}
		}
	}
	os.RemoveAll(dir)
	os.Exit(130)
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
