package image_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"apron/image"
)

// TestMain lets the test binary be started again as a process that pulls or serves, for the tests that kill it.
func TestMain(m *testing.M) {
	if dir := os.Getenv("IMAGE_TEST_PULL_DIR"); dir != "" {
		os.Exit(pullAsChild(dir, os.Getenv("IMAGE_TEST_PULL_REF")))
	}
	if dir := os.Getenv("IMAGE_TEST_COMMIT_DIR"); dir != "" {
		os.Exit(commitAsChild(dir, image.Tree{Dir: os.Getenv("IMAGE_TEST_COMMIT_TREE"), Move: os.Getenv("IMAGE_TEST_COMMIT_MOVE") == "true"}))
	}
	if dir := os.Getenv("IMAGE_TEST_SERVE_DIR"); dir != "" {
		os.Exit(serveAsChild(dir))
	}
	os.Exit(m.Run())
}

func pullAsChild(dir, ref string) int {
	s, err := image.Open(dir, image.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("pulling")
	d, err := s.Pull(context.Background(), ref, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(d)
	return 0
}

func commitAsChild(dir string, tree image.Tree) int {
	s, err := image.Open(dir, image.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("committing")
	if _, err := s.Account("").Commit(context.Background(), image.NewImage{Created: created, Layers: []image.Tree{tree}, Repo: "web", Tag: "v1"}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func serveAsChild(dir string) int {
	s, err := image.Open(dir, image.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	srv := httptest.NewServer(s.Registry())
	fmt.Println(strings.TrimPrefix(srv.URL, "http://"))
	time.Sleep(time.Minute) // the parent kills long before
	return 1
}
