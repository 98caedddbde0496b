//go:build linux && cgo

package build_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apron/build"
	"apron/build/runtimes"
	"apron/build/source"
	"apron/driver/container"
	"apron/image"
)

// childEnv makes the test program a server that is killed in the middle of a build. Its value is an order.
const childEnv = "APRON_BUILD_TEST_CHILD"

type order struct {
	Dir       string
	Base      runtimes.Base
	Checkout  source.Checkout
	Operation string
}

// bases always finds the same.
type bases runtimes.Base

func (b bases) Find(context.Context, string, runtimes.Runtime, string, func(string)) (runtimes.Base, error) {
	return runtimes.Base(b), nil
}

// childMain builds, and prints the log to its output.
func childMain() {
	err := buildInChild()
	os.Stdout.WriteString("error " + err.Error() + "\n")
	os.Exit(1)
}

func buildInChild() error {
	var o order
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &o); err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	images, err := image.Open(filepath.Join(o.Dir, "images"), image.Config{Log: log, Owner: account})
	if err != nil {
		return err
	}
	d, err := container.New(container.Config{Dir: filepath.Join(o.Dir, "driver"), Log: log, Image: images.Image, Namespace: o.Dir})
	if err != nil {
		return err
	}
	b, err := build.New(build.Config{
		Log: log, Dir: filepath.Join(o.Dir, "builds"), Images: images, Driver: d, Bases: bases(o.Base), Memory: 256,
		Find: func(context.Context, string, string, string) (string, bool, error) { return "", false, nil },
		Keep: func(context.Context, string, string, string, string) error { return nil },
	})
	if err != nil {
		return err
	}
	_, err = b.Build(context.Background(), build.Request{
		Account: account, Service: serviceID, Name: "web", Operation: o.Operation, Checkout: o.Checkout,
		Line: func(s string) { os.Stdout.WriteString(s + "\n") },
	})
	return errors.Join(errors.New("the build ended"), err)
}

// killAt runs a build in a child, which is killed as soon as a line has the text.
func killAt(t *testing.T, o order, text string) {
	t.Helper()
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+string(data))
	child.Stderr = t.Output()
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(30*time.Second, func() { _ = child.Process.Kill() })
	defer timer.Stop()
	found := false
	for lines := bufio.NewScanner(out); !found && lines.Scan(); {
		found = strings.Contains(lines.Text(), text)
		if strings.HasPrefix(lines.Text(), "error ") {
			t.Error(lines.Text())
		}
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	if !found {
		t.Fatalf("the build in the child never printed %q", text)
	}
}

func TestBuild_IsRepeatedAfterItsServerWasKilled(t *testing.T) {
	stages := map[string][]string{"build": {"echo in the first; sleep 1; echo x >built"}, "pre-run": {"echo in the second; sleep 1"}}
	for _, moment := range []string{"[Build] in the first", "[Build] in the second"} {
		t.Run(moment, func(t *testing.T) {
			dir := t.TempDir()
			before := newRigIn(t, dir)
			base := before.pushBase("busybox", busybox(t))
			req := before.request(files{"apprunner.yaml": yaml(revised, stages), "started": "hello"})
			if err := errors.Join(before.driver.Close(), before.images.Close()); err != nil {
				t.Fatal(err)
			}
			killAt(t, order{dir, base, req.Checkout, req.Operation}, moment)
			if left, _ := filepath.Glob(filepath.Join(dir, "driver/instances/*")); len(left) == 0 {
				t.Fatal("the child left no instance, so nothing is tried here")
			}
			before.open()
			before.base = base
			if _, err := before.driver.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			res := before.must(req)
			if got := before.in(res, "cat /app/built"); got != "x\n" {
				t.Errorf("in the image: %q", got)
			}
		})
	}
}
