package main_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/api"
)

// TestSource_DeploysWhatIsPushed is the life of a service from source: what is pushed while it is paused is not deployed by
// the resume, and is by the next StartDeployment; a rollback needs neither the repository nor a build.
func TestSource_DeploysWhatIsPushed(t *testing.T) {
	w := newSourceWorld(t, site("Hello"), nil)
	w.bring("running")
	w.holds(types.ServiceStatusRunning)
	trace := w.trace()
	w.do(pause)
	w.holds(types.ServiceStatusPaused)
	if f := w.footprint(trace); !f.Zero() {
		t.Errorf("the paused service holds %s", f)
	}
	second := w.push("Say good day", site("Good day"))
	w.do(resume)
	w.holds(types.ServiceStatusRunning)

	w.do(deploy)
	w.greeting = "Good day"
	w.holds(types.ServiceStatusRunning)
	w.wantCommits(second+" Say good day", "Begin")

	if err := os.Rename(w.repo.Bare, w.repo.Bare+".away"); err != nil {
		t.Fatal(err)
	}
	w.do(rollback)
	w.greeting = "Hello"
	w.holds(types.ServiceStatusRunning)
	w.wantCommits("Begin", second+" Say good day", "Begin")

	tags, err := filepath.Glob(filepath.Join(w.data, "images", "repos", "*web-app", "tags", "*"))
	if err != nil || len(tags) != 2 {
		t.Errorf("the images have the tags %q, %v, want one for each commit", tags, err)
	}
	w.do(remove)
	w.holds(types.ServiceStatusDeleted)
	w.leavesNothing()
}

// wantCommits wants the deployments to be of commits whose id and subject have these parts, the newest first.
func (w *sourceWorld) wantCommits(parts ...string) {
	w.Helper()
	var list api.ListDeploymentsResponse
	if err := w.own("ListDeployments", &list); err != nil {
		w.Fatal(err)
	}
	var got []string
	for _, d := range list.DeploymentSummaryList {
		got = append(got, *d.Commit+" "+*d.CommitSubject)
	}
	for i, part := range parts {
		if len(got) != len(parts) || !strings.Contains(got[i], part) {
			w.Errorf("the deployments are of the commits %q, want %q", got, parts)
			return
		}
	}
}

// leavesNothing wants no file of the deleted service in what fetches and builds keep, whatever it is called.
func (w *sourceWorld) leavesNothing() {
	w.Helper()
	for _, dir := range []string{"sources", "builds", "driver", "images"} {
		err := filepath.WalkDir(filepath.Join(w.data, dir), func(path string, e os.DirEntry, err error) error {
			if errors.Is(err, os.ErrNotExist) {
				return nil // it was removed just now
			}
			// Without a tag, its images go when they are not young any more.
			if err == nil && (strings.Contains(path, w.id) || strings.Contains(path, "web-app/tags/") && !e.IsDir()) {
				w.Errorf("%s is left", path)
			}
			return err
		})
		if err != nil {
			w.Error(err)
		}
	}
}

// TestSource_IsBuiltAsTheAPISays without a look at the repository's own file.
func TestSource_IsBuiltAsTheAPISays(t *testing.T) {
	w := newSourceWorld(t, map[string]string{"services/web/word": "Hi\n", "apprunner.yaml": "no YAML at all: ["}, nil)
	c := code(w.repo.URL())
	c.SourceDirectory = new("/services/web")
	c.CodeConfiguration = &types.CodeConfiguration{
		ConfigurationSource: types.ConfigurationSourceApi,
		CodeConfigurationValues: &types.CodeConfigurationValues{
			Runtime: types.RuntimePython311, BuildCommand: new("mkdir site"), StartCommand: new(`echo "$GREETING from $PWD and $(cat word)" > site/index.html && httpd -f -p 3000 -h site`),
			Port: new("3000"), RuntimeEnvironmentVariables: map[string]string{"GREETING": "Hello"},
		},
	}
	w.do(w.createCode(c))
	w.holds(types.ServiceStatusRunning)
	if _, body, err := w.get("/"); err != nil || body != "Hello from /app/services/web and Hi\n" {
		t.Errorf("it answers %q, %v", body, err)
	}
	c.CodeConfiguration.CodeConfigurationValues.RuntimeEnvironmentVariables["GREETING"] = "Good day"
	w.greeting = "Good day"
	w.do(func(ctx context.Context, _ *world) error {
		_, err := w.client.UpdateService(ctx, &apprunner.UpdateServiceInput{ServiceArn: &w.arn, SourceConfiguration: &types.SourceConfiguration{CodeRepository: c}})
		return err
	})
	w.holds(types.ServiceStatusRunning)
}

// TestSource_UnchangedIsNotBuiltAgain in a deployment of the commit that is deployed, and is when its tree has changed.
func TestSource_UnchangedIsNotBuiltAgain(t *testing.T) {
	files := site("Hello")
	files["apprunner.yaml"] = strings.Replace(siteFile, "cat word", "cat word; cat /proc/sys/kernel/random/uuid", 1)
	w := newSourceWorld(t, files, nil)
	w.bring("running")
	_, first, err := w.get("/")
	if err != nil {
		t.Fatal(err)
	}
	w.push("Nothing new", nil)
	w.do(deploy)
	if status, body, err := w.get("/"); err != nil || status != http.StatusOK || body != first {
		t.Errorf("the same files answer %q, %v, want %q: they were built again", body, err, first)
	}
	w.push("A word", map[string]string{"word": "Hello again\n"})
	w.do(deploy)
	if _, body, err := w.get("/"); err != nil || !strings.HasPrefix(body, "Hello again") {
		t.Errorf("other files answer %q, %v", body, err)
	}
}
