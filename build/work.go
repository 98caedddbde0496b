package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"apron/build/recipe"
	"apron/build/runtimes"
	"apron/driver"
	"apron/image"
	"apron/logs"
)

// format counts changes of what this package makes of the same input: images made the old way are then made again.
const format = "1"

// work is one call of Build.
type work struct {
	b *Builder
	r Request

	recipe  recipe.Recipe
	runtime runtimes.Runtime
	base    runtimes.Base
	key     string
	hide    *strings.Replacer // of values that are not for the log

	dir     string         // of the commands' output
	mounts  []driver.Mount // the caches
	fresh   bool           // the caches were emptied for this build
	current int            // which command of the stage runs
	doing   string         // what goes on, when no command runs: a sentence without its full stop
	phases  []Phase
	held    []string // digests of images
}

// Build makes the image that the request's recipe leads to, or finds that there is one already. It blocks: up to Limit, and
// before that until it is its turn. The end of ctx kills what runs and leaves nothing. It may be repeated, also after
// kill -9: what an earlier try of the same operation left is destroyed first. Errors are *Error where the user can mend them.
func (b *Builder) Build(ctx context.Context, r Request) (Result, error) {
	w := &work{b: b, r: r, dir: filepath.Join(b.cfg.Dir, workDir, instanceID(r.Operation, "work")), hide: strings.NewReplacer()}
	defer b.begin(r.Service)()
	defer w.letGo()
	w.clean(ctx)
	result, err := w.do(ctx)
	if _, ok := errors.AsType[*Error](err); err != nil && !ok {
		err = fmt.Errorf("build %s: %w", r.Name, err)
	}
	return result, err
}

// begin keeps RemoveCache and Untag from the service until what it returns is called.
func (b *Builder) begin(service string) (end func()) {
	b.count(service, 1)
	return func() { b.count(service, -1) }
}

func (b *Builder) count(service string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.active[service] += n; b.active[service] == 0 {
		delete(b.active, service)
	}
}

func (w *work) do(ctx context.Context) (Result, error) {
	if err := w.prepare(ctx); err != nil {
		return Result{}, err
	}
	digest, ok, err := w.reuse(ctx)
	if err != nil {
		return Result{}, err
	}
	if !ok {
		digest, err = w.turn(ctx)
		if err != nil {
			return Result{}, err
		}
		w.say("%s", logs.BuiltIn(spent(w.phases)))
	}
	return Result{
		Image: digest, Command: Command(w.recipe.Run.Command), Run: w.recipe.Run, WorkingDir: w.workingDir(),
		Host: w.base.Host, Runtime: w.runtime.Name, Version: w.base.Version,
		Key: w.key, Reused: ok, Phases: w.phases,
	}, nil
}

// prepare finds all that the key is made of.
func (w *work) prepare(ctx context.Context) error {
	done := w.phase("config")
	if err := w.configure(); err != nil {
		return err
	}
	w.hide = hider(w.recipe.Env)
	done()
	defer w.phase("base")()
	base, err := w.b.cfg.Bases.Find(ctx, w.r.Account, w.runtime, w.recipe.Version, func(s string) { w.say("%s", s) })
	if err != nil {
		if e, ok := errors.AsType[*runtimes.Error](err); ok && ctx.Err() == nil {
			return refuse(err, "%s", sentence(e.Reason))
		}
		return fmt.Errorf("find the base for %s: %w", w.runtime.Name, err)
	}
	w.base = base
	if base.Image != "" {
		w.hold(base.Image)
	}
	w.key, err = w.newKey()
	return err
}

// newKey holds all that decides what is in the image. Of the commit it is the content: another commit with the same files needs
// no build.
func (w *work) newKey() (string, error) {
	env, err := json.Marshal(w.imageEnvironment())
	if err != nil {
		return "", err
	}
	base := w.base.Image
	if w.base.Host {
		base = "host " + w.base.Version + " " + base
	}
	return w.recipe.Key(format, w.r.Checkout.Tree, w.workingDir(), base, string(env)), nil
}

// reuse finds an image that was made of the same.
func (w *work) reuse(ctx context.Context) (digest string, ok bool, err error) {
	digest, ok, err = w.b.cfg.Find(ctx, w.r.Account, w.r.Service, w.key)
	if err != nil || !ok {
		return "", false, err
	}
	img, err := w.b.cfg.Images.Image(ctx, digest)
	if _, missing := errors.AsType[*image.MissingError](err); missing {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	w.hold(digest)
	w.say("Nothing that the build depends on has changed: image %s is used again.", digest)
	digest, err = w.refit(ctx, img)
	return digest, err == nil, err
}

// turn builds when it is this build's turn.
func (w *work) turn(ctx context.Context) (string, error) {
	if err := w.await(ctx); err != nil {
		return "", err
	}
	defer w.b.turns.give()
	ctx, cancel := context.WithTimeoutCause(ctx, w.b.cfg.Limit, errLimit)
	defer cancel()
	defer w.clean(ctx)
	digest, err := w.build(ctx)
	if _, ok := errors.AsType[*Error](err); err != nil && !ok && errors.Is(context.Cause(ctx), errLimit) {
		return "", refuse(err, "%s", w.tooLong(w.doing))
	}
	return digest, err
}

func (w *work) await(ctx context.Context) error {
	ended := func() {}
	err := w.b.turns.take(ctx, w.r.Account, func() {
		ended = w.phase("wait")
		w.say("Waiting for another build on this machine to end: %d may run at a time.", w.b.cfg.Parallel)
	})
	ended()
	return err
}

// build runs the stages and makes the image of what they leave.
func (w *work) build(ctx context.Context) (string, error) {
	prepared := w.phase("prepare")
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return "", err
	}
	if err := w.openCaches(); err != nil {
		return "", err
	}
	prepared()
	w.say(logs.BuildStarted)
	digest, err := w.stages(ctx)
	if err != nil {
		w.adviseOn(err)
		if err := w.trimCaches(); err != nil { // the next build empties them, but who knows when that is
			w.b.cfg.Log.Warn("caches of a build that failed could not be emptied", "operation_id", w.r.Operation, "error", err)
		}
		return "", err
	}
	defer w.phase("finish")()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { w.clean(ctx) }) // the kernel and the disk make each of the two wait
	if err := w.b.cfg.Keep(ctx, w.r.Account, w.r.Service, w.key, digest); err != nil {
		return "", err
	}
	if err := w.closeCaches(ctx); err != nil { // the image is good; the next build has empty caches
		w.b.cfg.Log.Warn("a build could not be noted as done", "operation_id", w.r.Operation, "error", err)
	}
	w.say(logs.BuildFinished)
	return digest, nil
}

// stages has post-build before the second image: it is there to fail, for a test that does not pass, and that saves the rest.
func (w *work) stages(ctx context.Context) (string, error) {
	p := newPlan(w.recipe)
	from := ground{w.base.Image, []string{w.r.Checkout.Dir}}
	layers := []image.Tree{{Dir: w.r.Checkout.Dir, Only: []string{"app"}}}
	if len(p.build.commands) > 0 {
		changes, err := w.run(ctx, p.build, from)
		if err != nil {
			return "", err
		}
		from.layers = append(from.layers, changes)
		layers = append(layers, p.kept(changes))
	}
	if len(p.post.commands) > 0 {
		if _, err := w.run(ctx, p.post, from); err != nil {
			return "", err
		}
		w.destroy(ctx, instanceID(w.r.Operation, p.post.name))
	}
	if len(p.run.commands) == 0 {
		return w.commit(ctx, w.base.Image, layers, w.tag())
	}
	return w.secondImage(ctx, p.run, layers)
}

// kept is what the image gets of the changes of the first instance.
func (p plan) kept(changes string) image.Tree {
	if p.whole {
		return image.Tree{Dir: changes, Move: true}
	}
	return image.Tree{Dir: changes, Only: []string{"app"}, Move: true}
}

// secondImage runs a stage on an image of base and /app, and makes the image of all that it changes. The first image stays below the
// second: its layers are written once.
func (w *work) secondImage(ctx context.Context, s stage, layers []image.Tree) (string, error) {
	first, err := w.commit(ctx, w.base.Image, layers, w.draftTag())
	if err != nil {
		return "", err
	}
	w.destroy(ctx, instanceID(w.r.Operation, stageBuild))
	changes, err := w.run(ctx, s, ground{image: first})
	if err != nil {
		return "", err
	}
	return w.commit(ctx, first, []image.Tree{{Dir: changes, Move: true}}, w.tag())
}

// clean removes what this build, or an earlier try of it, has made beside caches and image.
func (w *work) clean(ctx context.Context) {
	for _, name := range stageNames() {
		w.destroy(ctx, instanceID(w.r.Operation, name))
	}
	err := errors.Join(
		w.images().Untag(context.WithoutCancel(ctx), repository(w.r.Name, w.r.Service), w.draftTag()),
		os.RemoveAll(w.dir))
	if err != nil {
		w.b.cfg.Log.Warn("what a build left could not be removed", "operation_id", w.r.Operation, "error", err)
	}
}

func (w *work) images() image.Account { return w.b.cfg.Images.Account(w.r.Account) }

func (w *work) workingDir() string { return path.Join(appDir, path.Join("/", w.r.Directory)) }

// say writes a line of apron's own.
func (w *work) say(format string, args ...any) {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	for line := range strings.SplitSeq(text, "\n") {
		w.line(fromAppRunner + line)
	}
}

func (w *work) line(s string) {
	if w.r.Line != nil {
		w.r.Line(s)
	}
}
