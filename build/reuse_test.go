//go:build linux && cgo

package build_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"apron/build"
)

// again is the same build in another operation.
func again(req build.Request) build.Request {
	req.Operation = operationID()
	return req
}

func simple(t *testing.T) (*rig, build.Request) {
	r := newRig(t)
	return r, r.request(files{
		"apprunner.yaml": yaml(revised, map[string][]string{"build": {"echo building; cp started built"}}), "started": "hello",
	})
}

func TestBuild_UsesTheImageAgainWhereNothingChanged(t *testing.T) {
	r, req := simple(t)
	first := r.must(req)
	r.log()
	second := r.must(again(req))
	if !second.Reused || second.Image != first.Image || second.Key != first.Key || first.Reused {
		t.Errorf("first %+v\nsecond %+v", first, second)
	}
	if log := r.log(); strings.Contains(log, "building") || !strings.Contains(log, "Nothing that the build depends on has changed: image "+first.Image+" is used again.") {
		t.Errorf("log:\n%s", log)
	}
	if want := []string{"config", "base"}; !slices.Equal(phases(second), want) {
		t.Errorf("phases %v, want %v", phases(second), want)
	}
}

func TestBuild_UsesTheImageAgainForAnotherCommitWithTheSameFiles(t *testing.T) {
	r, req := simple(t)
	first := r.must(req)
	req.Checkout.Commit.ID = strings.Repeat("f", 40)
	if second := r.must(again(req)); !second.Reused || second.Image != first.Image {
		t.Errorf("built again: %+v", second)
	}
}

func TestBuild_GivesAnImageThatIsUsedAgainTheNewStartCommand(t *testing.T) {
	r, req := simple(t)
	first := r.must(req)
	config := yaml(revised, map[string][]string{"build": {"echo building; cp started built"}})
	other := r.request(files{"apprunner.yaml": strings.Replace(config, "cat /app/started", "cat /app/started /app/built", 1), "started": "hello"})
	other.Checkout.Tree = req.Checkout.Tree // as it is where the command comes by API
	second := r.must(other)
	if !second.Reused || second.Image == first.Image || !slices.Equal(second.Command, []string{"/bin/sh", "-c", "exec cat /app/started /app/built"}) {
		t.Errorf("first %+v\nsecond %+v", first, second)
	}
	img, err := r.images.Image(t.Context(), second.Image)
	if err != nil || !slices.Equal(img.Cmd, second.Command) {
		t.Errorf("the image starts %q, %v", img.Cmd, err)
	}
	if got := r.in(second, "cat /app/built"); got != "hello" {
		t.Errorf("in the image: %q", got)
	}
}

func TestBuild_BuildsAgainWhatCannotBeUsedAgain(t *testing.T) {
	r, req := simple(t)
	first := r.must(req)
	for name, change := range map[string]func(*build.Request){
		"other files":     func(req *build.Request) { req.Checkout.Tree = strings.Repeat("0", 40) },
		"another base":    func(*build.Request) { r.base.Host, r.base.Image = true, "" },
		"another service": func(req *build.Request) { req.Service, req.Name = strings.Repeat("cd", 16), "other" },
		"the image gone": func(*build.Request) {
			if _, err := r.images.Remove(t.Context(), first.Image); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			base := r.base
			defer func() { r.base = base }()
			r.log()
			changed := again(req)
			change(&changed)
			if res := r.must(changed); res.Reused || !strings.Contains(r.log(), "[Build] building\n") {
				t.Errorf("not built: %+v", res)
			}
		})
	}
}

func TestBuild_MakesTheSameImageEverywhere(t *testing.T) {
	var digests []string
	stages := allStages()
	stages["build"] = append(stages["build"], "date +%N >/tmp/now; mkdir -p a/b; echo x >a/b/c; ln -s b a/l; ln a/b/c a/hard; mkdir empty; chmod 700 empty; rm gone")
	for range 2 {
		r := newRig(t)
		res := r.must(r.request(files{"apprunner.yaml": yaml(revised, stages), "started": "hello", "gone": "x"}))
		digests = append(digests, res.Image)
		time.Sleep(1100 * time.Millisecond) // the files of the next one are younger
	}
	if digests[0] != digests[1] {
		t.Errorf("the same commit on the same base makes %v", digests)
	}
}

// An end of the server between the image and the note of it is like an error there.
func TestForget_KnowsTheTagOfABuildThatWasNotNoted(t *testing.T) {
	r := newRig(t, func(c *build.Config) {
		c.Keep = func(context.Context, string, string, string, string) error { return errors.New("the store is gone") }
	})
	for n := range 3 {
		if _, err := r.Build(t.Context(), r.request(files{"apprunner.yaml": yaml(revised, nil), "started": strings.Repeat("x", n)})); err == nil {
			t.Error("the image was not kept, and nobody is told")
		}
	}
	r.refused(r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{"build": {"false"}})}))
	images := r.images.Account(account)
	if tags := must(images.Tags(t.Context(), "apron/web")); len(tags) != 3 {
		t.Errorf("of three images there are the tags %v", tags)
	}
	if err := r.Forget(serviceID); err != nil {
		t.Fatal(err)
	}
	if tags := must(images.Tags(t.Context(), "apron/web")); len(tags) != 0 {
		t.Errorf("of a service that is gone there are the tags %v", tags)
	}
}

func TestBuild_TagsImagesAndKeepsTheLastTen(t *testing.T) {
	r := newRig(t)
	var last string
	for i := range 12 {
		req := r.request(files{"apprunner.yaml": yaml(revised, nil), "started": strings.Repeat("x", i)})
		r.must(req)
		last = req.Checkout.Commit.ID[:12]
	}
	tags, err := r.images.Account(account).Tags(t.Context(), "apron/web")
	if err != nil || len(tags) != 10 || !slices.Contains(tags, last) {
		t.Errorf("tags %v, %v; want ten with %s", tags, err, last)
	}
	if err := r.Forget(serviceID); err != nil {
		t.Fatal(err)
	}
	tags, err = r.images.Account(account).Tags(t.Context(), "apron/web")
	if err != nil || len(tags) != 0 {
		t.Errorf("after Forget there are tags %v, %v", tags, err)
	}
	if left, _ := filepath.Glob(filepath.Join(r.dir, "builds/services/*")); len(left) > 0 {
		t.Errorf("after Forget there is %v", left)
	}
}
