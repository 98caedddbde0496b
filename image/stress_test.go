package image_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"apron/image/imagetest"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// TestCollect_BesidePullsAndRemoves lets collections run against pulls of images that share a layer. The image that is kept
// is whole whenever one looks, and no pull ever fails.
func TestCollect_BesidePullsAndRemoves(t *testing.T) {
	host := remoteRegistry(t)
	base := imagetest.Layer(t, file("base", "b"))
	push := func(at, name string) string {
		img := imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{}, base, imagetest.Layer(t, file(name, name)))
		return imagetest.Push(t, img, at+"/"+name+":v1", nil)
	}
	dir := t.TempDir()
	s := open(t, dir, nil)
	kept, _ := push(host, "kept"), push(host, "other")
	push(embedded(t, s), "local")
	if _, err := s.Pull(t.Context(), host+"/kept:v1", nil); err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(1500 * time.Millisecond)
	var wg sync.WaitGroup
	loop := func(fn func()) {
		wg.Go(func() {
			for time.Now().Before(end) && !t.Failed() {
				fn()
			}
		})
	}
	loop(func() {
		if _, err := s.Collect(t.Context(), []string{kept}); err != nil {
			t.Errorf("collect: %v", err)
		}
	})
	loop(func() {
		if freed, err := s.RemoveIdle(t.Context(), kept, time.Minute); err != nil || freed != 0 {
			t.Errorf("freed %d of what is pulled again and again: %v", freed, err)
		}
	})
	for _, ref := range []string{host + "/kept:v1", host + "/other:v1", "local:v1"} {
		loop(func() {
			d, err := s.Pull(t.Context(), ref, nil)
			if err != nil {
				t.Errorf("pull: %v", err)
			}
			if d != kept {
				_, _ = s.Remove(t.Context(), d) // may find a pull of it under way
			}
		})
	}
	loop(func() {
		img, err := s.Image(t.Context(), kept)
		if err != nil || readFile(t, img.Layers[0], "base") != "b" || readFile(t, img.Layers[1], "kept") != "kept" {
			t.Errorf("the kept image is not whole: %v", err)
		}
	})
	wg.Wait()
	if left := files(t, dir+"/tmp"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
