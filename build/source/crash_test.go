package source

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets the tests be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SOURCE_CRASH_DIR"); dir != "" {
		fetchForEver(dir, os.Getenv("SOURCE_CRASH_URL"))
	}
	os.Exit(m.Run())
}

func fetchForEver(dir, url string) {
	f, err := New(Config{Dir: dir, Loopback: []string{"127.0.0.1"}})
	for err == nil {
		if _, err = f.Fetch(context.Background(), "service", Remote{URL: url, Branch: "main"}); err == nil {
			err = f.removeCheckouts(context.Background())
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func (f *Fetcher) removeCheckouts(ctx context.Context) error {
	list, err := f.Kept(ctx)
	for _, k := range list {
		if !k.Mirror {
			_, removeErr := f.Remove(k)
			err = errors.Join(err, removeErr)
		}
	}
	return err
}

// A fetch that is killed at any moment leaves no checkout that is not whole, and nothing that the next one stumbles over.
func TestFetch_SurvivesBeingKilled(t *testing.T) {
	repos, dir := t.TempDir(), t.TempDir()
	r := newRepo(t, repos, "web")
	var files []string
	for i := range 200 {
		files = append(files, fmt.Sprintf("d%d/f%d", i%10, i), strings.Repeat(fmt.Sprintln("line", i), 200))
	}
	r.commit("first", files...)
	s := serveGit(t, repos, false)
	url := s.URL + "/web/.git"
	rnd := rand.New(rand.NewPCG(1, 0))
	for i := range 12 {
		r.commit("more", "a", fmt.Sprint(i))
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SOURCE_CRASH_DIR="+dir, "SOURCE_CRASH_URL="+url)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(50+rnd.IntN(500)) * time.Millisecond)
		_ = cmd.Process.Kill()
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() == 1 {
			t.Fatalf("the process ended by itself: %v", err)
		}
		f := newFetcher(t, Config{Dir: dir})
		sameAsGit(t, fetch(t, f, Remote{URL: url, Branch: "main"}), r)
		if left, _ := filepath.Glob(filepath.Join(dir, "mirrors/*/*/objects/pack/tmp-*")); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
	}
}
