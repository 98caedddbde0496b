package operation_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"apron/api"
	"apron/build"
	"apron/build/recipe"
	"apron/build/runtimes"
	"apron/build/source"
	"apron/logs"
)

// workshop fetches and builds without doing either: the real parts need networks and minutes, which no bubble has. Each
// commit, such as c1, has an image that is in the machine's registry, such as web:1.
type workshop struct {
	t       *testing.T
	machine *machine

	mu  sync.Mutex
	did []string
}

// playbook has the script of a machine's workshops; it outlives a restart of the server.
type playbook struct {
	mu     sync.Mutex
	script script
}

// script is what a workshop does.
type script struct {
	head     string                      // the branch's newest commit
	fetchErr error                       // what a fetch fails with
	building func(context.Context) error // nil, or what a build does before it makes its image
	run      recipe.Run
	relief   int64 // bytes that can be removed from a full disk
	phases   []build.Phase
	lose     func() bool // nil, or tells whether the image is gone when a build has found it
}

func (w *workshop) set(change func(*script)) {
	w.machine.plays.mu.Lock()
	defer w.machine.plays.mu.Unlock()
	change(&w.machine.plays.script)
}

func (w *workshop) now() script {
	w.machine.plays.mu.Lock()
	defer w.machine.plays.mu.Unlock()
	return w.machine.plays.script
}

func (w *workshop) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.did = append(w.did, what)
}

func (w *workshop) done() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.did)
}

func (w *workshop) remote(_ context.Context, _ string, s *api.SourceConfiguration) (source.Remote, error) {
	return source.Remote{URL: s.CodeRepository.RepositoryUrl, Branch: s.CodeRepository.SourceCodeVersion.Value}, nil
}

func (w *workshop) bases() ([]runtimes.Kept, error) { return nil, nil }

func (w *workshop) Images() []string { return nil }

func (w *workshop) Untag(context.Context, func(string) bool, time.Duration) error { return nil }

func (w *workshop) Fetch(ctx context.Context, service string, r source.Remote) (source.Checkout, error) {
	s := w.now()
	w.note("fetch")
	if s.fetchErr != nil {
		return source.Checkout{}, s.fetchErr
	}
	return w.checkout(s.head), nil
}

func (w *workshop) Checkout(_ context.Context, service string, r source.Remote, commit string) (source.Checkout, error) {
	w.note("checkout " + commit)
	return w.checkout(commit), nil
}

func (w *workshop) checkout(commit string) source.Checkout {
	return source.Checkout{Dir: w.machine.dir, Tree: commit, Commit: source.Commit{ID: commit, Subject: "Subject of " + commit}}
}

func (w *workshop) Build(ctx context.Context, r build.Request) (build.Result, error) {
	s := w.now()
	w.note("build " + r.Checkout.Commit.ID)
	r.Line("[Build] compiling")
	r.Line("[AppRunner] " + logs.BuildFinished)
	if s.building != nil {
		if err := s.building(ctx); err != nil {
			return build.Result{}, err
		}
	}
	image := "web:" + strings.TrimPrefix(r.Checkout.Commit.ID, "c")
	digest, err := w.machine.images.Account(r.Account).Pull(ctx, w.machine.ref(image), nil)
	if s.lose != nil && s.lose() {
		digest = "sha256:" + strings.Repeat("0", 64)
	}
	return build.Result{Image: digest, Run: s.run, Phases: s.phases}, err
}

func (w *workshop) Forget(service string) error {
	w.note("forget")
	return nil
}

// relieve is what the disk is asked for.
func (w *workshop) relieve(context.Context) int64 {
	w.note("relieve")
	return w.now().relief
}
