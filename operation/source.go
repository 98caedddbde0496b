package operation

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"apron/api"
	"apron/build"
	"apron/build/recipe"
	"apron/build/runtimes"
	"apron/build/source"
	"apron/logs"
	"apron/store"
)

// Sources fetches commits; see source.Fetcher.
type Sources interface {
	Fetch(ctx context.Context, service string, r source.Remote) (source.Checkout, error)
	Checkout(ctx context.Context, service string, r source.Remote, commit string) (source.Checkout, error)
	Forget(service string) error
}

// Builds makes images of commits; see build.Builder.
type Builds interface {
	Build(ctx context.Context, r build.Request) (build.Result, error)
	Forget(service string) error
	Images() []string
	Untag(ctx context.Context, needed func(digest string) bool, idle time.Duration) error
}

// sourceDeployment is deployment for services that are built from a repository.
var sourceDeployment = append([]step{
	{name: "fetch", within: 15 * time.Minute, do: fetchSource},
	// The build has a limit of its own, and before it begins waits for others to end.
	{name: "build", within: 24 * time.Hour, do: buildImage},
}, deployment[1:]...)

// fromSource tells whether the version has to be fetched and built.
func fromSource(d *store.Deployment) bool {
	return d != nil && d.Config.SourceConfiguration.CodeRepository != nil
}

// fetchSource fixes the commit: from here on the branch may move. A repeat takes the commit that is fixed.
func fetchSource(ctx context.Context, r *run) error {
	r.deploymentStarted()
	code := r.op.Target.Config.SourceConfiguration.CodeRepository
	r.line(logs.SourceArtifact(code.RepositoryUrl, code.SourceCodeVersion.Value, *code.SourceDirectory))
	if r.op.Type() == api.OperationCreateService && *r.op.Target.Config.SourceConfiguration.AutoDeploymentsEnabled {
		r.line(logs.PipelineStarted)
		r.line(logs.PipelineFinished)
	}
	r.line(logs.SourcePulling(provider(code.RepositoryUrl), code.RepositoryUrl))
	if err := r.fetch(ctx); err != nil {
		return r.buildFailed(err, logs.SourcePullFailed, "fetch source")
	}
	r.line(logs.SourcePulled)
	c := r.checkout.Commit
	r.line(logs.SourceCommit(c.ID, c.Subject))
	for _, notice := range r.checkout.Notices {
		r.line(notice)
	}
	r.op.Target.Source = &store.SourceVersion{Commit: c.ID, Subject: c.Subject, Author: c.Author, At: api.At(c.At)}
	return nil
}

// fetch has the files of the operation's commit on this machine, or of the branch's newest while it has none.
func (r *run) fetch(ctx context.Context) error {
	remote, err := r.cfg.Remote(ctx, r.svc.Account, r.op.Target.Config.SourceConfiguration)
	if err != nil {
		return err
	}
	if at := r.op.Target.Source; at != nil {
		r.checkout, err = r.cfg.Sources.Checkout(ctx, r.svc.Service.ServiceId, remote, at.Commit)
	} else {
		r.checkout, err = r.cfg.Sources.Fetch(ctx, r.svc.Service.ServiceId, remote)
	}
	return err
}

// buildImage makes the image of the commit, unless the same was built before.
func buildImage(ctx context.Context, r *run) error {
	// It was fetched by an earlier run of the server, or so long ago that it was removed meanwhile.
	if _, err := os.Stat(r.checkout.Dir); err != nil {
		if err := r.fetch(ctx); err != nil {
			return r.buildFailed(err, logs.SourcePullFailed, "fetch source")
		}
	}
	code := r.op.Target.Config.SourceConfiguration.CodeRepository
	built, err := r.cfg.Builds.Build(ctx, build.Request{
		Account: r.svc.Account, Service: r.svc.Service.ServiceId, Name: r.svc.Service.ServiceName, Operation: r.op.ID(),
		Checkout: r.checkout, Repository: code.RepositoryUrl, Directory: *code.SourceDirectory, Code: code.CodeConfiguration, Line: r.buildLine,
	})
	if err != nil {
		return r.buildFailed(err, logs.BuildFailed, "build image")
	}
	for _, p := range built.Phases {
		r.phase(p.Name, p.Took, p.Commands)
	}
	r.op.Target.Image = built.Image
	r.op.Target.Run = &store.RunSettings{
		Command: built.Run.Command, Port: built.Run.Port, PortEnv: built.Run.PortEnv, Env: built.Run.Env, Host: built.Host,
	}
	r.log.Info("source built", "commit", r.op.Target.Source.Commit, "runtime", built.Runtime, "version", built.Version, "reused", built.Reused, "phases", built.Phases)
	return r.keepBuilt(ctx)
}

// keepBuilt saves that the operation needs the image, so that collect leaves it. An image that was built before may have
// been collected since the build found it; if not, Use keeps RemoveImage from it, which does not wait for pulls, until the
// record does.
func (r *run) keepBuilt(ctx context.Context) error {
	r.pulls.RLock()
	defer r.pulls.RUnlock()
	if err := r.cfg.Images.Use(r.op.Target.Image); err != nil {
		return fmt.Errorf("find the image that was built: %w", err)
	}
	return r.save(ctx)
}

// buildLine takes a line of a build, which begins with the one who says it.
func (r *run) buildLine(text string) {
	source, rest := logs.SourceAppRunner, text
	for _, s := range []string{logs.SourceAppRunner, logs.SourceBuild} {
		if after, ok := strings.CutPrefix(text, "["+s+"] "); ok {
			source, rest = s, after
		}
	}
	if err := r.cfg.Logs.Append(r.group(), logs.DeploymentStream(r.op.ID()), source, rest); err != nil {
		r.log.Error("deployment log could not be written", "error", err)
	}
}

// buildFailed gives up what is the fault of the repository or of what is said about it, and says so in the deployment's
// log. text makes the line of the reason.
func (r *run) buildFailed(err error, text func(reason string) string, doing string) error {
	for _, users := range []func(error) bool{is[*source.Error], is[*build.Error], is[*runtimes.Error], is[*recipe.Faults]} {
		if users(err) {
			return Abort(said{text(err.Error()), err})
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// said is an error in other words.
type said struct {
	text  string
	cause error
}

func (s said) Error() string { return s.text }
func (s said) Unwrap() error { return s.cause }

// provider names whose repository it is, as App Runner does for those that it knows.
func provider(repository string) string {
	host, err := source.Host(repository)
	known := map[string]string{"github.com": "GITHUB", "bitbucket.org": "BITBUCKET", "gitlab.com": "GITLAB"}[host]
	if err != nil || known == "" {
		return "GIT"
	}
	return known
}
