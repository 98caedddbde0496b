package runtimes_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"apron/api"
	"apron/build/runtimes"
)

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return files
}

func (r *rig) listed(name string) api.RuntimeSummary {
	r.t.Helper()
	list, err := r.List(r.t.Context(), owner)
	if err != nil || len(list) != len(runtimes.All()) {
		r.t.Fatalf("%d runtimes, %v", len(list), err)
	}
	return list[slices.IndexFunc(list, func(s api.RuntimeSummary) bool { return s.RuntimeName == name })]
}

// run runs the rig's pulls for the length of the test.
func (r *rig) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	})
}

// pulledTo waits until a pull has ended.
func (r *rig) pulledTo(name string) api.RuntimeSummary {
	r.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		s := r.listed(name)
		if s.BaseStatus != api.BasePulling {
			return s
		}
		if time.Now().After(end) {
			r.t.Fatal("the pull does not end")
		}
	}
}

func TestPull_BringsTheBaseAndListTellsOfIt(t *testing.T) {
	r := newRig(t, configured)
	if s := r.listed("python311"); s.BaseStatus != api.BaseNotPulled || s.BaseSource != api.BaseSourceConfigured || *s.Runtime != "PYTHON_311" || s.BuildProcess != api.BuildProcessRevised {
		t.Errorf("before: %+v", s)
	}
	r.run()
	if s, err := r.Pull(t.Context(), owner, "PYTHON_311"); err != nil || s.RuntimeName != "python311" || s.BaseStatus != api.BasePulling && s.BaseStatus != api.BasePullFailed {
		t.Fatalf("%+v, %v", s, err)
	}
	if s := r.pulledTo("python311"); s.BaseStatus != api.BasePullFailed || s.StatusReason == nil {
		t.Errorf("of an image that does not exist: %+v", s)
	}
	digest := r.push(r.outside+"/python:3.11", "Python 3.11.14\n")
	if _, err := r.Pull(t.Context(), owner, "python311"); err != nil {
		t.Fatal(err)
	}
	s := r.pulledTo("python311")
	if s.BaseStatus != api.BaseAvailable || s.StatusReason != nil || *s.ImageDigest != digest || *s.Version != "3.11.14" {
		t.Errorf("after: %+v", s)
	}
}

func TestPull_RefusesWhatHasNoImage(t *testing.T) {
	r := newRig(t, func(_ *rig, cfg *runtimes.Config) { cfg.Map = map[string]string{"ruby31": runtimes.Host} })
	for _, name := range []string{"python99", "ruby31"} {
		_, err := r.Pull(t.Context(), owner, name)
		if _, ok := err.(*api.Error); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestList_ShowsBuiltBasesBeforeTheDefault(t *testing.T) {
	r := newRig(t, nil)
	if s := r.listed("python311"); s.BaseSource != api.BaseSourceDefault || s.BaseStatus != api.BaseNotPulled || s.Version != nil {
		t.Errorf("before: %+v", s)
	}
	r.built(owner, "3.11.2")
	r.built(owner, "3.11.10")
	s := r.listed("python311")
	if s.BaseSource != api.BaseSourceBuilt || s.Base != "apron/runtime/python311:3.11.10" || *s.Version != "3.11.10" || s.BaseStatus != api.BaseAvailable {
		t.Errorf("after: %+v", s)
	}
	if s := r.listed("go126"); s.Runtime != nil || s.Deprecated != nil {
		t.Errorf("ours: %+v", s)
	}
}
