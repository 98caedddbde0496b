//go:build linux && cgo

package build_test

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"apron/api"
	"apron/build"
	"apron/image/imagetest"
)

func TestBuild_FailsWithTheCommandAndWhy(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		stages map[string][]string
		want   string
		last   []string
	}{
		"an exit code": {
			map[string][]string{"build": {"true", "echo first; echo second >&2; exit 3", "echo never"}},
			"The build command `echo first; echo second >&2; exit 3` failed with exit code 3.", []string{"first", "second"},
		},
		"in pre-build": {
			map[string][]string{"pre-build": {"false"}, "build": {"echo never"}},
			"The pre-build command `false` failed with exit code 1.", nil,
		},
		"in pre-run": {
			map[string][]string{"build": {"true"}, "pre-run": {"false"}},
			"The pre-run command `false` failed with exit code 1.", nil,
		},
		"in post-build": {
			map[string][]string{"post-build": {"echo 2 tests failed; false"}},
			"The post-build command `echo 2 tests failed; false` failed with exit code 1.", []string{"2 tests failed"},
		},
		"no such program": {
			map[string][]string{"build": {"cargo build"}},
			"The build command `cargo build` failed with exit code 127: a program that it starts was not found. Install it in a command before this one, or choose a runtime that has it.",
			[]string{"/bin/sh: cargo: not found"},
		},
		"no permission": {
			map[string][]string{"build": {"chmod 644 started; ./started"}},
			"The build command `chmod 644 started; ./started` failed with exit code 126: a file that it starts may not be executed. Commit it as executable, or start it by its interpreter.",
			[]string{"/bin/sh: ./started: Permission denied"},
		},
		"a signal": {
			map[string][]string{"build": {"kill -SEGV $$"}},
			"The build command `kill -SEGV $$` was ended by signal SIGSEGV.", nil,
		},
		"a command of many lines": {
			map[string][]string{"build": {"echo one\necho two\nexit 7\n"}},
			"The build command `echo one ...` failed with exit code 7.", []string{"one", "two"},
		},
		"a secret in the command and its output": {
			map[string][]string{"build": {"echo $NPM_TOKEN; exit 5 # s3cr3t-value"}},
			"The build command `echo $NPM_TOKEN; exit 5 # ***` failed with exit code 5.", []string{"***"},
		},
		"too much memory": {
			map[string][]string{"build": {"dd if=/dev/zero of=/dev/null bs=400M count=1"}},
			"The build command `dd if=/dev/zero of=/dev/null bs=400M count=1` ran out of its 256 MiB of memory: let it use less, or start the server with more --build-memory.", nil,
		},
		"too much output": {
			map[string][]string{"build": {"dd if=/dev/zero bs=1M count=300"}},
			"The build command `dd if=/dev/zero bs=1M count=300` was stopped: it printed more than 256 MiB of output. Let it print less.", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			e := r.refused(r.request(files{"apprunner.yaml": yaml(revised, c.stages), "started": "hello"}))
			if e.Reason != c.want {
				t.Errorf("reason:\n%s\nwant:\n%s", e.Reason, c.want)
			}
			if c.last != nil && !slices.Equal(e.Log, c.last) {
				t.Errorf("last lines %q, want %q", e.Log, c.last)
			}
			if log := r.log(); strings.Contains(log, "never") || strings.Contains(log, "s3cr3t") {
				t.Errorf("the log goes on after the failure, or has a secret:\n%s", log)
			}
		})
	}
	r.t = t
}

func TestBuild_FailsWithWhatIsWrongInTheConfiguration(t *testing.T) {
	r := newRig(t)
	good := yaml(revised, map[string][]string{"build": {"true"}})
	for name, c := range map[string]struct {
		files     files
		directory string
		code      *api.CodeConfiguration
		want      string
	}{
		"no file": {
			files{"main.py": "x"}, "", nil,
			"apprunner.yaml: there is no such file in the repository's root. Add it, give another SourceDirectory, or use the ConfigurationSource API.",
		},
		"a file elsewhere": {
			files{"apprunner.yaml": good, "web/main.py": "x"}, "web", nil,
			"web/apprunner.yaml: there is no such file in the source directory web. Add it, give another SourceDirectory, or use the ConfigurationSource API.",
		},
		"the other ending": {
			files{"apprunner.yml": good}, "/", nil,
			"apprunner.yaml: there is no such file in the repository's root. App Runner takes no other name: rename apprunner.yml.",
		},
		"a source directory that leads out": {
			files{"apprunner.yaml": good, "web": "-> /etc"}, "web", nil,
			"The source directory web cannot be followed inside of the repository; name the directory itself, not a link.",
		},
		"no such source directory": {
			files{"apprunner.yaml": good}, "backend", nil, "The commit COMMIT has no directory backend; check the source directory, or push it.",
		},
		"a link out": {
			files{"apprunner.yaml": "-> /etc/passwd"}, "", nil,
			"apprunner.yaml cannot be read: it must be a file of the repository, or a link to one.",
		},
		"a directory": {
			files{"apprunner.yaml/x": "x"}, "", nil,
			"apprunner.yaml in the repository is not a file.",
		},
		"very large": {
			files{"apprunner.yaml": strings.Repeat("# comment\n", 200_000)}, "", nil,
			"apprunner.yaml is larger than 1048576 bytes; a configuration file has some hundred.",
		},
		"a version that there is not": {
			files{"apprunner.yaml": strings.Replace(good, "run:\n", "run:\n  runtime-version: 99\n", 1)}, "", nil,
			"There is no version 99.",
		},
		"what Parse finds": {
			files{"web/apprunner.yaml": "version: 1.0\nruntime: python311\nbuild:\n  commands:\n    build: [true]\nrun:\n  comand: x\n"}, "web", nil,
			"The configuration file is not valid:\nweb/apprunner.yaml:7:3: \"comand\" in run means nothing. Did you mean command?\n" +
				"web/apprunner.yaml:7:3: run has no command. Write what starts the program, such as `command: python3 app.py`.",
		},
		"what FromValues finds": {
			files{}, "", &api.CodeConfiguration{ConfigurationSource: api.ConfigurationSourceAPI, CodeConfigurationValues: &api.CodeConfigurationValues{
				Runtime: "PYTHON_311", BuildCommand: new("x"),
			}}, "The service's configuration cannot be built: CodeConfigurationValues: StartCommand is empty. Write what starts the program, such as `python3 app.py`.",
		},
		"a command that Linux does not take": {
			files{}, "", &api.CodeConfiguration{ConfigurationSource: api.ConfigurationSourceAPI, CodeConfigurationValues: &api.CodeConfigurationValues{
				Runtime: "PYTHON_311", BuildCommand: new(strings.Repeat("x", 140_000)), StartCommand: new("x"),
			}}, "The service's configuration cannot be built: BuildCommand is longer than 131066 bytes. Move it into a script in the repository.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			req := r.request(c.files)
			req.Directory, req.Code = c.directory, c.code
			want := strings.ReplaceAll(c.want, "COMMIT", req.Checkout.Commit.ID[:12])
			if e := r.refused(req); e.Reason != want {
				t.Errorf("reason:\n%s\nwant:\n%s", e.Reason, want)
			}
		})
	}
	r.t = t
}

func TestBuild_ReadsTheConfigurationThatIsAskedFor(t *testing.T) {
	r := newRig(t)
	values := &api.CodeConfigurationValues{
		Runtime: "PYTHON_311", BuildCommand: new("echo by API"), StartCommand: new("cat /app/started"), Port: new("3000"),
		RuntimeEnvironmentVariables: map[string]string{"A": "b"},
	}
	req := r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{"build": {"echo by file"}}), "started": "x"})
	req.Code = &api.CodeConfiguration{ConfigurationSource: api.ConfigurationSourceAPI, CodeConfigurationValues: values}
	res := r.must(req)
	log := r.log()
	if !strings.Contains(log, "[Build] by API\n") || strings.Contains(log, "apprunner.yaml") {
		t.Errorf("with the source API:\n%s", log)
	}
	if res.Run.Port != 3000 || res.Run.Env["A"] != "b" || res.Run.Command != "cat /app/started" || res.Runtime != "python311" {
		t.Errorf("result %+v", res)
	}
	req.Operation = operationID()
	req.Code.ConfigurationSource = api.ConfigurationSourceRepository
	if res = r.must(req); res.Run.Port != 8080 || !strings.Contains(r.log(), "[Build] by file\n") {
		t.Errorf("with the source REPOSITORY: %+v", res)
	}
}

func TestBuild_EndsAtTheTimeLimit(t *testing.T) {
	r := newRig(t, func(c *build.Config) { c.Limit = 1500 * time.Millisecond })
	begin := time.Now()
	e := r.refused(r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{"build": {"true", "echo working; sleep 1000 & wait"}})}))
	if want := "The build did not end within 1.5s. The build command `echo working; sleep 1000 & wait` was running. Make it shorter, or start the server with a longer --build-limit."; e.Reason != want {
		t.Errorf("reason:\n%s\nwant:\n%s", e.Reason, want)
	}
	if took := time.Since(begin); took > time.Minute || !slices.Equal(e.Log, []string{"working"}) {
		t.Errorf("took %v, last lines %q", took, e.Log)
	}
}

func TestBuild_EndsAtOnceWhenItIsCancelled(t *testing.T) {
	r := newRig(t)
	cause := errors.New("somebody asked for it")
	ctx, cancel := context.WithCancelCause(t.Context())
	failed := make(chan error)
	go func() {
		_, err := r.Build(ctx, r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{"build": {"trap '' TERM INT; echo working; sleep 1000"}})}))
		failed <- err
	}()
	r.await("[Build] working")
	begin := time.Now()
	cancel(cause)
	err := <-failed
	if _, users := errors.AsType[*build.Error](err); users || !errors.Is(err, cause) {
		t.Errorf("error %v, want one with the cause, and none of the user's", err)
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("the build ended %v after it was cancelled", took)
	}
	r.noLeftovers()
}

func TestBuild_EndsBeforeTheDiskIsFull(t *testing.T) {
	r := newRig(t, func(c *build.Config) { // whose caches are on a disk of 400 MiB
		if err := errors.Join(os.Mkdir(c.Dir, 0o700), unix.Mount("tmpfs", c.Dir, "tmpfs", 0, "size=400m")); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(c.Dir, 0); err != nil {
				t.Error(err)
			}
		})
	})
	const fill = "dd if=/dev/zero of=/root/.cache/pip/large bs=1M count=200; sleep 1000"
	e := r.refused(r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{"build": {fill}})}))
	if want := "The build command `" + fill + "` was stopped: there is less than 256 MiB left on the disk. Let it write less, or make room on the machine."; e.Reason != want {
		t.Errorf("reason:\n%s\nwant:\n%s", e.Reason, want)
	}
}

func TestBuild_SaysWhatABaseLacks(t *testing.T) {
	r := newRig(t)
	r.base = r.pushBase("empty", imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{},
		imagetest.Layer(t, imagetest.Entry{Header: tar.Header{Name: "etc/passwd"}, Body: []byte("root:x:0:0::/:/bin/sh\n")})))
	e := r.refused(r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{"build": {"true"}})}))
	if !strings.HasPrefix(e.Reason, "The commands cannot be run on the base empty:1: the program \"/bin/sh\" was not found") || !strings.HasSuffix(e.Reason, "A base needs a shell, /bin/sh, and the runtime.") {
		t.Errorf("reason: %s", e.Reason)
	}
}

func TestBuild_ShowsLinesWhileCommandsRun(t *testing.T) {
	r := newRig(t)
	req := r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{"build": {"echo begin; sleep 1; echo end"}}), "started": "x"})
	done := make(chan error)
	go func() {
		_, err := r.Build(t.Context(), req)
		done <- err
	}()
	begin, end := r.await("[Build] begin"), r.await("[Build] end")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if apart := end.Sub(begin); apart < 800*time.Millisecond {
		t.Errorf("lines that are printed 1 s apart came %v apart", apart)
	}
}

func TestBuild_ShowsWhatFollowsAnEmptiedOutput(t *testing.T) {
	r := newRig(t)
	r.must(r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{
		"build": {"seq 1 10000; sleep 1; echo written to the file >/dev/stdout; echo the last"},
	}), "started": "x"}))
	log := r.log()
	for _, want := range []string{"[Build] 10000\n", "[Build] written to the file\n", "[Build] the last\n"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q; it ends in:\n%s", want, log[max(0, len(log)-300):])
		}
	}
}

func TestBuild_WaitsForItsTurnAndSaysSo(t *testing.T) {
	r := newRig(t, func(c *build.Config) { c.Parallel = 1 })
	first := r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{"build": {"echo first runs; sleep 1"}}), "started": "x"})
	second := r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{"build": {"echo second runs"}}), "started": "x"})
	second.Service, second.Name = strings.Repeat("ab", 16), "other"
	errs := make(chan error)
	build := func(req build.Request) { _, err := r.Build(t.Context(), req); errs <- err }
	go build(first)
	began := r.await("[Build] first runs")
	go build(second)
	r.await("[AppRunner] Waiting for another build on this machine to end: 1 may run at a time.")
	if ran := r.await("[Build] second runs"); ran.Sub(began) < 900*time.Millisecond {
		t.Errorf("the second build ran %v after the first began", ran.Sub(began))
	}
	if err := errors.Join(<-errs, <-errs); err != nil {
		t.Fatal(err)
	}
}

func TestBuild_GivesCommandsTheirEnvironmentAlone(t *testing.T) {
	r := newRig(t)
	stages := map[string][]string{"build": {"env | sort"}, "pre-run": {"echo pre-run has $BUILD_ONLY and ${RUN_ONLY-nothing} of the program"}}
	res := r.must(r.request(files{"apprunner.yaml": yaml(revised, stages), "started": "x"}))
	log := r.log()
	for _, want := range []string{
		"BUILD_ONLY=for-the-build", "NPM_TOKEN=***", "OF_BASE=yes", "LANG=C.UTF-8", "HOME=/root", "PWD=/app",
		"PYTHONUNBUFFERED=1", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", commitTime.Unix()), "pre-run has for-the-build and nothing of the program",
	} {
		if !strings.Contains(log, "[Build] "+want+"\n") {
			t.Errorf("the commands printed no %q:\n%s", want, log)
		}
	}
	for _, banned := range []string{"] PORT=", "RUN_ONLY=", "s3cr3t"} {
		if strings.Contains(log, banned) {
			t.Errorf("the log has %q:\n%s", banned, log)
		}
	}
	env := r.in(res, "env")
	if !strings.Contains(env, "PYTHONUNBUFFERED=1\n") || strings.Contains(env, "BUILD_ONLY") || strings.Contains(env, "s3cr3t") {
		t.Errorf("the program's environment:\n%s", env)
	}
}
