package main_test

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/aprontest"
)

// sourceWorld is a world whose service is built from a repository, on a base with nothing but BusyBox.
type sourceWorld struct {
	*world
	repo *aprontest.Repository
	git  string   // the repository's URL at a git server; "" is its file URL
	args []string // of the server
}

// site is an application: a page that says what the build made of the word in the repository.
func site(word string) map[string]string {
	return map[string]string{"word": word + "\n", "apprunner.yaml": siteFile}
}

const siteFile = `version: 1.0
runtime: python311
build:
  commands:
    build:
      - mkdir -p site
      - echo "$(cat word) from source" > site/index.html
run:
  command: httpd -f -p $PORT -h site
  network:
    port: 8000
`

// newSourceWorld starts a platform with args and environ, pushes the base to it, and the files to the repository.
func newSourceWorld(t *testing.T, files map[string]string, args []string, environ ...string) *sourceWorld {
	t.Helper()
	dir := t.TempDir()
	repo, err := aprontest.NewRepository(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	w := &sourceWorld{repo: repo, world: &world{T: t, data: filepath.Join(t.TempDir(), "data"), greeting: "Hello"}}
	w.args = append([]string{"--file-repositories", dir, "--runtime-image", "python311=base:1"}, args...)
	w.startServer(environ...)
	t.Cleanup(w.stop)
	base, err := aprontest.BusyBox()
	if err == nil {
		_, err = w.platform.Push(t.Context(), base, "base:1")
	}
	if err != nil {
		t.Fatal(err)
	}
	w.push("Begin", files)
	return w
}

// startServer is start with the world's arguments.
func (w *sourceWorld) startServer(environ ...string) {
	w.Helper()
	p, err := aprontest.Start(w.Context(), programs.apron, w.data, environ, w.args...)
	if err != nil {
		w.Fatal(err)
	}
	w.platform, w.client = p, p.Client()
}

func (w *sourceWorld) push(subject string, files map[string]string) (commit string) {
	w.Helper()
	commit, err := w.repo.Push(w.Context(), subject, files)
	if err != nil {
		w.Fatal(err)
	}
	return commit
}

// head is the commit that was pushed last.
func (w *sourceWorld) head() (commit string) {
	w.Helper()
	commit, err := w.repo.Git(w.Context(), "rev-parse", "HEAD")
	if err != nil {
		w.Fatal(err)
	}
	return commit
}

// bring makes the service and takes it to the named state.
func (w *sourceWorld) bring(state string) {
	w.Helper()
	if state == "none" {
		return
	}
	w.do(w.createFrom(cmp.Or(w.git, w.repo.URL())))
	if state == "paused" {
		w.do(pause)
	}
}

// createFrom makes the service from a repository's main, as its apprunner.yaml has it.
func (w *sourceWorld) createFrom(url string) func(context.Context, *world) error {
	return w.createCode(code(url))
}

func code(url string) *types.CodeRepository {
	return &types.CodeRepository{
		RepositoryUrl:     &url,
		SourceCodeVersion: &types.SourceCodeVersion{Type: types.SourceCodeVersionTypeBranch, Value: new("main")},
		CodeConfiguration: &types.CodeConfiguration{ConfigurationSource: types.ConfigurationSourceRepository},
	}
}

// createCode makes a service that deploys when the test says so, or by itself when the test has said how often the server looks.
func (w *sourceWorld) createCode(repository *types.CodeRepository) func(context.Context, *world) error {
	auto := slices.ContainsFunc(w.args, func(arg string) bool { return strings.HasPrefix(arg, "--poll-interval=") })
	return createNamed("web-app", &types.SourceConfiguration{CodeRepository: repository, AutoDeploymentsEnabled: &auto})
}

func createNamed(name string, source *types.SourceConfiguration) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		out, err := w.client.CreateService(ctx, &apprunner.CreateServiceInput{
			ServiceName:           &name,
			SourceConfiguration:   source,
			InstanceConfiguration: &types.InstanceConfiguration{Cpu: new("256"), Memory: new("512")},
		})
		if err == nil {
			w.arn = *out.Service.ServiceArn
			w.know(*out.Service.ServiceUrl)
		}
		return err
	}
}
