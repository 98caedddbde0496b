package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/api"
	"apron/aprontest"
)

// TestSource_ThatFails_SaysWhyAndTheRunningVersionStays for everything that a commit can do wrong. Each fault is a second
// commit of a service that runs.
func TestSource_ThatFails_SaysWhyAndTheRunningVersionStays(t *testing.T) {
	yaml := func(old, text string) map[string]string {
		return map[string]string{"apprunner.yaml": strings.Replace(siteFile, old, text, 1)}
	}
	for what, c := range map[string]struct {
		files  map[string]string
		make   func(*testing.T, *aprontest.Repository) // what files can't say
		args   []string
		reason string   // parts of DescribeOperation's, with * between them
		logged []string // in the deployment's log besides
	}{
		"build command fails": {
			files:  yaml("mkdir -p site", "echo before && ls /nowhere"),
			reason: "The build command `echo before && ls /nowhere` failed with exit code 1.",
			logged: []string{"[Build] before", "[Build] ls: /nowhere: No such file or directory"},
		},
		"start command is missing": {
			files:  yaml("  command: httpd -f -p $PORT -h site\n", ""),
			reason: "apprunner.yaml:9:3: run has no command.",
		},
		"start command leads to no program": {
			files:  yaml("httpd -f", "nothing-of-the-kind"),
			reason: "Your application stopped or failed to start.*Container exit code: 127",
			logged: []string{"nothing-of-the-kind: not found"},
		},
		"nobody listens on the port": {
			files:  yaml("-p $PORT", "-p 9999"),
			args:   []string{"--start-allowance", "2s"},
			reason: "Health check failed on protocol `TCP` [Port: '8000'].*nothing listens on port 8000",
		},
		"version that the base has not": {
			files:  yaml("run:\n", "run:\n  runtime-version: 3.11.9\n"),
			reason: "Runtime version 3.11.9 is not supported*base:1 has " + aprontest.BusyBoxPython + ", not 3.11.9",
		},
		"no such runtime": {
			files:  yaml("python311", "cobol85"),
			reason: `apprunner.yaml:2:10: there is no runtime "cobol85".`,
		},
		"no configuration file": {
			files:  map[string]string{"apprunner.yaml": ""},
			reason: "apprunner.yaml: there is no such file",
		},
		"YAML bomb": {
			files:  map[string]string{"apprunner.yaml": bomb()},
			reason: "apprunner.yaml: the file has more than 10000 values, with what aliases repeat",
		},
		"secrets": {
			files:  yaml("run:\n", "run:\n  secrets:\n    - name: TOKEN\n      value-from: token\n"),
			reason: "can't resolve secrets yet: take run.secrets out of apprunner.yaml",
		},
		"link out of the repository": {
			make: func(t *testing.T, r *aprontest.Repository) {
				link(t, "/etc/shadow", filepath.Join(r.Dir, "word2"))
			},
			reason: "the symbolic link word2 to /etc/shadow, which leads out of the repository",
		},
		"submodule of the machine's own disk": {
			make:   submodule,
			reason: "the submodule module: file:///*is outside of the directories whose repositories the operator lets services be built from",
		},
		"repository of 2 GB": {
			make:   oversize(2 << 30),
			reason: "the repository is too large*the limit is 1 GiB",
		},
		"repository above the operator's limit": {
			make:   oversize(64 << 20),
			args:   []string{"--source-limit", "16"},
			reason: "the repository is too large*the limit is 16 MiB",
		},
		"build that never ends": {
			files:  yaml("mkdir -p site", "sleep 3600"),
			args:   []string{"--build-limit", "3s"},
			reason: "The build did not end within 3s. The build command `sleep 3600` was running.",
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newSourceWorld(t, site("Hello"), c.args)
			w.bring("running")
			before := w.trace()
			if c.make != nil {
				c.make(t, w.repo)
			}
			w.push("Break it", c.files)
			if err := deploy(t.Context(), w.world); err != nil {
				t.Fatal(err)
			}
			w.ends(types.OperationStatusFailed)
			w.holds(types.ServiceStatusRunning)
			if pids := before.PIDs(); len(pids) == 0 {
				t.Error("the version before was started anew")
			}
			w.wantCommits("Begin")
			w.failedFor(c.reason, c.logged...)
		})
	}
}

// failedFor wants the newest operation's reason to have these parts, with * between them, and the deployment's log to have the
// reason, and the rest.
func (w *sourceWorld) failedFor(parts string, logged ...string) {
	w.Helper()
	var out api.DescribeOperationResponse
	if err := w.own("DescribeOperation", &out, "OperationId", w.newest()); err != nil {
		w.Fatal(err)
	}
	if out.Operation.Reason == nil {
		w.Fatalf("the operation has no reason: %+v", out.Operation)
	}
	said := w.said()
	rest, ok := *out.Operation.Reason, true
	for part := range strings.SplitSeq(parts, "*") {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			w.Errorf("the reason is %q, which has not %q in its place", *out.Operation.Reason, part)
		}
		logged = append(logged, part)
	}
	for _, part := range logged {
		if !strings.Contains(said, part) {
			w.Errorf("the log does not say %q:\n%s", part, said)
		}
	}
}

// said is the log of the newest deployment.
func (w *sourceWorld) said() string {
	w.Helper()
	var logged api.ListLogEventsResponse
	if err := w.own("ListLogEvents", &logged, "Stream", "DEPLOYMENT"); err != nil {
		w.Fatal(err)
	}
	var text strings.Builder
	for _, e := range logged.Events {
		text.WriteString(e.Message + "\n")
	}
	return text.String()
}

// bomb has a short file of a billion words.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return b.String() + siteFile
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// submodule makes another repository beside the first and names it as a submodule, by a file URL.
func submodule(t *testing.T, r *aprontest.Repository) {
	t.Helper()
	other, err := aprontest.NewRepository(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Push(t.Context(), "Secret", map[string]string{"secret": "secret\n"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Git(t.Context(), "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.URL(), "module"); err != nil {
		t.Fatal(err)
	}
}

// oversize adds a file of this many bytes, which are all the same: git packs them into very few.
func oversize(size int64) func(*testing.T, *aprontest.Repository) {
	return func(t *testing.T, r *aprontest.Repository) {
		t.Helper()
		path := filepath.Join(r.Dir, "large")
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCancel_EndsABuild at once, and leaves nothing of it on the machine.
func TestCancel_EndsABuild(t *testing.T) {
	files := site("Hello")
	files["apprunner.yaml"] = strings.Replace(siteFile, "mkdir -p site", "echo sleeping && sleep 3600", 1)
	w := newSourceWorld(t, files, nil)
	if err := w.createFrom(w.repo.URL())(t.Context(), w.world); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); !strings.Contains(w.said(), "[Build] sleeping"); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("no build within a minute:\n%s\n%s", w.said(), w.platform.Log())
		}
	}
	begin := time.Now()
	if err := w.own("CancelOperation", nil); err != nil {
		t.Fatal(err)
	}
	w.ends(types.OperationStatusFailed)
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("the cancellation took %v", took)
	}
	w.holds(types.ServiceStatusCreateFailed)
	if said := w.said(); !strings.Contains(said, "The operation was cancelled by access key") {
		t.Errorf("nothing says that it was cancelled:\n%s", said)
	}
}
