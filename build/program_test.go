//go:build linux && cgo

package build_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"apron/build"
	"apron/build/runtimes"
)

// hostGo makes this machine's own Go the base, as runtimes does where there is no image.
func hostGo(t *testing.T, r *rig) {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		t.Skipf("needs Go on this machine: %v", err)
	}
	root, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if !strings.HasPrefix(root, "/usr/") {
		t.Skipf("needs Go below /usr, where builds on the machine's own programs see it; it is in %s", root)
	}
	r.base = runtimes.Base{
		Host: true, Version: strings.TrimPrefix(version, "go"), Ref: runtimes.Host,
		Env: map[string]string{"PATH": root + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
	}
}

var goProgram = files{
	"go.mod":       "module hello\n\ngo 1.21\n",
	"main.go":      "package main\n\nimport \"hello/text\"\n\nfunc main() { println(text.Hello) }\n",
	"text/text.go": "package text\n\n// Hello is what is said.\nconst Hello = \"hello from Go\"\n",
	"apprunner.yaml": "version: 1.0\nruntime: go126\nbuild:\n  commands:\n    build: [go build -o server .]\n" +
		"  env: [{name: CGO_ENABLED, value: \"0\"}]\nrun:\n  command: ./server\n",
}

// It compiles the standard library but once: that takes longer than all other tests here.
func TestBuild_OfAGoProgram_IsQuickWithTheServicesCacheAndTheSameWithout(t *testing.T) {
	r := newRigIn(t, t.TempDir(), func(c *build.Config) { c.Memory, c.Limit = 2048, 5*time.Minute })
	hostGo(t, r)
	cold := r.must(r.request(goProgram))
	if got := r.in(cold, "./server"); got != "hello from Go\n" {
		t.Errorf("the program prints %q", got)
	}
	warm := r.must(r.request(goProgram.with(files{"text/text.go": "package text\n\nconst Hello = \"hello again\"\n"})))
	if got := r.in(warm, "./server"); got != "hello again\n" {
		t.Errorf("the program prints %q", got)
	}
	t.Logf("cold %v, warm %v", cold.Phases, warm.Phases)
	if took(warm, "build") > took(cold, "build")/2 {
		t.Error("the cache saves nothing")
	}
	clear(r.kept)
	if again := r.must(r.request(goProgram)); again.Reused || again.Image != cold.Image {
		t.Errorf("without a cache the commit makes %s, with it %s", cold.Image, again.Image)
	}
}

func took(res build.Result, phase string) (all time.Duration) {
	for _, p := range res.Phases {
		if p.Name == phase {
			all += p.Took
		}
	}
	return all
}
