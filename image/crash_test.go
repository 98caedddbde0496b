package image_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apron/image"
	"apron/image/imagetest"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// TestPull_SurvivesKill kills a pulling process at several moments. Whatever the moment: an image that is there is whole, the
// next Open leaves nothing unfinished, and the next Pull succeeds.
func TestPull_SurvivesKill(t *testing.T) {
	host := remoteRegistry(t)
	content := make([]byte, 24<<20)
	rand.New(rand.NewSource(1)).Read(content)
	files8 := map[string][]byte{}
	for i := range 8 {
		files8["/data/"+string(rune('a'+i))] = content[i*3<<20 : (i+1)*3<<20]
	}
	want := imagetest.Push(t, imagetest.Static(t, files8, v1.Config{}), host+"/big:v1", nil)
	open(t, t.TempDir(), nil) // skips without root
	unfinished := 0
	for _, after := range []time.Duration{5, 30, 80, 150, 250, 400} {
		dir := t.TempDir()
		if killPulling(t, dir, host+"/big:v1", after*time.Millisecond) {
			unfinished++
		}
		s := open(t, dir, nil)
		if left := files(t, dir+"/tmp"); len(left) > 0 {
			t.Errorf("after %d ms: Open left %v", after, left)
		}
		whole := requireWholeOrMissing(t, s, want, files8)
		if got, err := s.Pull(t.Context(), host+"/big:v1", nil); err != nil || got != want {
			t.Fatalf("after %d ms: pulled %s, %v, want %s", after, got, err, want)
		}
		requireWholeOrMissing(t, s, want, files8)
		left := files(t, dir+"/tmp")
		if !whole { // a kill between the record and the blobs' removal leaves those to Collect
			left = append(left, files(t, dir+"/blobs/sha256")...)
		}
		if len(left) > 0 {
			t.Errorf("after %d ms: leaked %v", after, left)
		}
		s.Close()
	}
	if unfinished == 0 {
		t.Error("no kill came before the pull had ended; the test shows nothing")
	}
}

// killPulling starts a process that pulls, kills it so long after it began, and reports whether it was still pulling.
func killPulling(t *testing.T, dir, ref string, after time.Duration) bool {
	t.Helper()
	cmd, line := startChild(t, "IMAGE_TEST_PULL_DIR="+dir, "IMAGE_TEST_PULL_REF="+ref)
	if line != "pulling" {
		t.Fatalf("the child said %q", line)
	}
	time.Sleep(after)
	return kill(t, cmd)
}

// startChild starts this test binary as another process and returns the first line that it prints.
func startChild(t *testing.T, env ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(line)
}

// kill reports whether the process was still at work.
func kill(t *testing.T, cmd *exec.Cmd) bool {
	t.Helper()
	_ = cmd.Process.Kill() // fails if it has ended, which Wait tells
	return cmd.Wait() != nil
}

// TestCommit_SurvivesKill kills a process that makes an image. Whatever the moment: what the registry names is whole, nothing
// unfinished is left, and the next Commit of the same makes it.
func TestCommit_SurvivesKill(t *testing.T) {
	open(t, t.TempDir(), nil) // skips without root
	content := map[string][]byte{}
	for n := range 12 {
		content[fmt.Sprint("file", n)] = noise(2<<20, int64(n))
	}
	fill := func() string {
		dir := t.TempDir()
		for name, data := range content {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	_, account, _ := newStore(t)
	want := commit(t, account, image.NewImage{Layers: []image.Tree{{Dir: fill()}}})
	unfinished := 0
	for n, after := range []time.Duration{20, 60, 120, 180, 250, 350, 500, 700} {
		dir := t.TempDir()
		cmd, line := startChild(t, "IMAGE_TEST_COMMIT_DIR="+dir, "IMAGE_TEST_COMMIT_TREE="+fill(), fmt.Sprint("IMAGE_TEST_COMMIT_MOVE=", n%2 == 0))
		if line != "committing" {
			t.Fatalf("the child said %q", line)
		}
		time.Sleep(after * time.Millisecond)
		if kill(t, cmd) {
			unfinished++
		}
		s := open(t, dir, nil)
		if left := files(t, dir+"/tmp"); len(left) > 0 {
			t.Errorf("after %d ms: Open left %v", after, left)
		}
		requireWholeOrMissing(t, s, want, content)
		a := s.Account("")
		if tags, _ := a.Tags(t.Context(), "web"); len(tags) > 0 {
			if got, err := a.Pull(t.Context(), "web:v1", nil); err != nil || got != want {
				t.Errorf("after %d ms: the tag leads to %s, %v", after, got, err)
			}
		}
		if got := commit(t, a, image.NewImage{Layers: []image.Tree{{Dir: fill(), Move: true}}, Repo: "web", Tag: "v1"}); got != want {
			t.Errorf("after %d ms: made again it is %s, want %s", after, got, want)
		}
		requireWholeOrMissing(t, s, want, content)
		s.Close()
	}
	if unfinished == 0 {
		t.Error("no kill came before the image was made; the test shows nothing")
	}
}

// TestRegistry_SurvivesKill kills a registry between a push that it acknowledged and one that it has not.
func TestRegistry_SurvivesKill(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, nil).Close()
	cmd, host := startChild(t, "IMAGE_TEST_SERVE_DIR="+dir)
	want := imagetest.Push(t, bigImage(t), host+"/web:v1", nil)
	c := client{t, "http://" + host}
	for range 3 {
		loc := c.want(202, c.do("POST", "/v2/web/blobs/uploads/", nil, nil)).Header.Get("Location")
		c.want(202, c.do("PATCH", loc, nil, make([]byte, 1<<20)))
	}
	kill(t, cmd)
	if left := files(t, dir+"/tmp"); len(left) != 3 {
		t.Fatalf("three uploads were under way, tmp has %v", left)
	}
	s := open(t, dir, nil)
	if left := files(t, dir+"/tmp"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if n := len(files(t, dir+"/blobs/sha256")); n != 3 {
		t.Errorf("%d blobs, want manifest, configuration and layer", n)
	}
	if got, err := s.Pull(t.Context(), "web:v1", nil); err != nil || got != want {
		t.Errorf("pulled %s, %v, want %s", got, err, want)
	}
}

// requireWholeOrMissing reports whether the image is there.
func requireWholeOrMissing(t *testing.T, s *image.Store, dig string, want map[string][]byte) bool {
	t.Helper()
	img, err := s.Image(t.Context(), dig)
	if _, missing := errors.AsType[*image.MissingError](err); missing {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range want {
		got, err := os.ReadFile(filepath.Join(img.Layers[0], name))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%s is not whole: %d bytes, %v", name, len(got), err)
		}
	}
	return true
}

func TestOpen_KeepsASecondProcessOut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	if _, err := image.Open(dir, image.Config{}); err == nil {
		t.Fatal("opened twice")
	}
	s.Close()
	again, err := image.Open(dir, image.Config{})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
