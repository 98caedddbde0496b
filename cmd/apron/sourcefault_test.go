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
		files map[string]string
		make  func(*testing.T, *aprontest.Repository) // what files can't say
		args  []string
		says  []string
	}{
		"build command fails": {
			files: yaml("mkdir -p site", "echo before && ls /nowhere"),
			says:  []string{"[Build] before", "/nowhere: No such file or directory", "Failed to build your application source code.", "exit code 1"},
		},
		"start command is missing": {
			files: yaml("  command: httpd -f -p $PORT -h site\n", ""),
			says:  []string{"apprunner.yaml:", "command"},
		},
		"start command leads to no program": {
			files: yaml("httpd -f", "nothing-of-the-kind"),
			says:  []string{"nothing-of-the-kind", "Container exit code: 127"},
		},
		"nobody listens on the port": {
			files: yaml("-p $PORT", "-p 9999"),
			args:  []string{"--start-allowance", "2s"},
			says:  []string{"Health check failed", "8000"},
		},
		"version that the base has not": {
			files: yaml("run:\n", "run:\n  runtime-version: 3.11.9\n"),
			says:  []string{"3.11.9", aprontest.BusyBoxPython},
		},
		"no such runtime": {
			files: yaml("python311", "cobol85"),
			says:  []string{"apprunner.yaml:2:10", "cobol85"},
		},
		"no configuration file": {
			files: map[string]string{"apprunner.yaml": ""},
			says:  []string{"apprunner.yaml"},
		},
		"YAML bomb": {
			files: map[string]string{"apprunner.yaml": bomb()},
			says:  []string{"apprunner.yaml:"},
		},
		"secrets": {
			files: yaml("run:\n", "run:\n  secrets:\n    - name: TOKEN\n      value-from: token\n"),
			says:  []string{"secrets"},
		},
		"link out of the repository": {
			make: func(t *testing.T, r *aprontest.Repository) {
				link(t, "/etc/shadow", filepath.Join(r.Dir, "word2"))
			},
			says: []string{"word2", "/etc/shadow"},
		},
		"submodule of the machine's own disk": {
			make: submodule,
			says: []string{"file:///"},
		},
		"repository of 2 GB": {
			make: oversize(2 << 30),
			says: []string{"1 GiB"},
		},
		"repository above the operator's limit": {
			make: oversize(64 << 20),
			args: []string{"--source-limit", "16"},
			says: []string{"16 MiB"},
		},
		"build that never ends": {
			files: yaml("mkdir -p site", "sleep 3600"),
			args:  []string{"--build-limit", "3s"},
			says:  []string{"3s"},
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
			said := w.said()
			for _, part := range c.says {
				if !strings.Contains(said, part) {
					t.Errorf("nothing says %q:\n%s", part, said)
				}
			}
		})
	}
}

// said is the deployment's log and the reason of the newest operation.
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
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("the cancellation took %v", took)
	}
	w.holds(types.ServiceStatusCreateFailed)
	if said := w.said(); !strings.Contains(said, "The operation was cancelled by access key") {
		t.Errorf("nothing says that it was cancelled:\n%s", said)
	}
}
