//go:build linux && cgo

package build_test

import (
	"slices"
	"strings"
	"testing"

	"apron/build"
)

func phases(res build.Result) []string {
	var names []string
	for _, p := range res.Phases {
		names = append(names, p.Name)
	}
	return names
}

// traces make each stage say where it ran and what it found, and leave something inside and outside of /app.
func traces(name string) []string {
	return []string{
		"for f in /app/in-* /out-*; do if [ -e $f ]; then echo " + name + " sees $f; fi; done",
		"echo x >>/app/in-" + name + "; echo x >>/out-" + name,
	}
}

func allStages() map[string][]string {
	stages := map[string][]string{}
	for _, name := range []string{"pre-build", "build", "post-build", "pre-run"} {
		stages[name] = traces(name)
	}
	return stages
}

// seen are the lines that traces print.
func seen(log string) []string {
	var lines []string
	for line := range strings.Lines(log) {
		if s, ok := strings.CutPrefix(line, "[Build] "); ok && strings.Contains(s, " sees ") {
			lines = append(lines, strings.TrimSpace(s))
		}
	}
	return lines
}

const traced = "cd / && for f in app/in-* out-*; do [ ! -e $f ] || echo $f $(wc -l <$f); done"

func TestBuild_Revised_HasAppOfTheBuildAndAllOfPreRun(t *testing.T) {
	r := newRig(t)
	res := r.must(r.request(files{"apprunner.yaml": yaml(revised, allStages()), "started": "hello"}))
	want := []string{
		"build sees /app/in-pre-build", "build sees /out-pre-build",
		"post-build sees /app/in-build", "post-build sees /app/in-pre-build", "post-build sees /out-build", "post-build sees /out-pre-build",
		"pre-run sees /app/in-build", "pre-run sees /app/in-pre-build",
	}
	if got := seen(r.log()); !slices.Equal(got, want) {
		t.Errorf("the stages saw:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got, want := r.in(res, traced), "app/in-build 1\napp/in-pre-build 1\napp/in-pre-run 1\nout-pre-run 1\n"; got != want {
		t.Errorf("in the image:\n%swant:\n%s", got, want)
	}
	if got, want := phases(res), []string{
		"config", "base", "prepare", "start", "build", "collect", "start", "post-build", "collect", "image", "start", "run", "collect", "image", "finish",
	}; !slices.Equal(got, want) {
		t.Errorf("phases %v, want %v", got, want)
	}
}

func TestBuild_Original_BuildsAgainOnAppOfTheFirst(t *testing.T) {
	r := newRig(t)
	stages := allStages()
	delete(stages, "pre-run")
	res := r.must(r.request(files{"apprunner.yaml": yaml(original, stages), "started": "hello"}))
	want := []string{
		"build sees /app/in-pre-build", "build sees /out-pre-build",
		"post-build sees /app/in-build", "post-build sees /app/in-pre-build", "post-build sees /out-build", "post-build sees /out-pre-build",
		"build sees /app/in-build", "build sees /app/in-pre-build",
	}
	if got := seen(r.log()); !slices.Equal(got, want) {
		t.Errorf("the stages saw:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got, want := r.in(res, traced), "app/in-build 2\napp/in-pre-build 1\nout-build 1\n"; got != want {
		t.Errorf("in the image:\n%swant:\n%s", got, want)
	}
}

func TestBuild_Original_BuildsOnceWhereNothingComesBefore(t *testing.T) {
	r := newRig(t)
	res := r.must(r.request(files{"apprunner.yaml": yaml(original, map[string][]string{"build": traces("build")}), "started": "hello"}))
	if got, want := r.in(res, traced), "app/in-build 1\nout-build 1\n"; got != want {
		t.Errorf("in the image:\n%swant:\n%s", got, want)
	}
	if got, want := phases(res), []string{"config", "base", "prepare", "start", "build", "collect", "image", "finish"}; !slices.Equal(got, want) {
		t.Errorf("phases %v, want %v", got, want)
	}
}

func TestBuild_StartsNoInstanceWithoutCommands(t *testing.T) {
	r := newRig(t)
	res := r.must(r.request(files{"apprunner.yaml": yaml(revised, nil), "started": "hello"}))
	if got, want := r.in(res, "cat /app/started"), "hello"; got != want {
		t.Errorf("in the image: %q, want %q", got, want)
	}
	if got, want := phases(res), []string{"config", "base", "prepare", "image", "finish"}; !slices.Equal(got, want) {
		t.Errorf("phases %v, want %v", got, want)
	}
}

func TestBuild_RemovesFromTheImageWhatCommandsRemove(t *testing.T) {
	r := newRig(t)
	stages := map[string][]string{
		"build":   {"rm started; rm -r lib; mkdir lib; echo new >lib/b"},
		"pre-run": {"rm /lib/removable /app/gone"},
	}
	res := r.must(r.request(files{"apprunner.yaml": yaml(revised, stages), "started": "x", "lib/a": "x", "gone": "x"}))
	if got, want := r.in(res, "cd /app; ls; ls lib; ls /lib"), "apprunner.yaml\nlib\nb\n"; got != want {
		t.Errorf("in the image:\n%swant:\n%s", got, want)
	}
}

func TestBuild_RunsCommandsInTheSourceDirectory(t *testing.T) {
	r := newRig(t)
	stages := map[string][]string{}
	for _, name := range []string{"pre-build", "build", "post-build", "pre-run"} {
		stages[name] = []string{"cd /tmp", "echo " + name + " in $(pwd)"}
	}
	req := r.request(files{"services/web/apprunner.yaml": yaml(revised, stages), "services/web/started": "hello", "shared": "x"})
	req.Directory = "/services/web"
	res := r.must(req)
	log := r.log()
	for name := range stages {
		if want := "[Build] " + name + " in /app/services/web\n"; !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	if got := r.in(res, "pwd; cat started; ls /app"); got != "/app/services/web\nhelloservices\nshared\n" || res.WorkingDir != "/app/services/web" {
		t.Errorf("in the image, which is said to be in %s: %s", res.WorkingDir, got)
	}
}
