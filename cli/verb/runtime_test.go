package verb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"apron/api"
	"apron/cli/verb"
)

// runtimesOf are three runtimes: one to be pulled, one of apron's own that was built, and one that is the machine.
func runtimesOf(p *platform) *platform {
	p.runtimes = []*api.RuntimeSummary{
		{RuntimeName: "python311", Runtime: new("PYTHON_311"), BuildProcess: api.BuildProcessRevised, BaseSource: api.BaseSourceDefault, Base: "r.example/python:3.11",
			BaseStatus: api.BaseNotPulled, HostVersion: new("3.11.2")},
		{RuntimeName: "ruby33", BuildProcess: api.BuildProcessRevised, BaseSource: api.BaseSourceBuilt, Base: "apron/runtime/ruby33:3.3.8",
			BaseStatus: api.BaseAvailable, Version: new("3.3.8")},
		{RuntimeName: "go1", Runtime: new("GO_1"), BuildProcess: api.BuildProcessOriginal, BaseSource: api.BaseSourceHost, Base: "host",
			BaseStatus: api.BaseAvailable, Version: new("1.26.8"), HostVersion: new("1.26.8"), Deprecated: new("no support since 2025; move to go126")},
	}
	return p
}

// listRuntimes ends a pull at the second question, as fate has it.
func (p *platform) listRuntimes(*api.ListRuntimesRequest) (*api.ListRuntimesResponse, error) {
	out := &api.ListRuntimesResponse{}
	for _, r := range p.runtimes {
		out.RuntimeSummaryList = append(out.RuntimeSummaryList, *r)
		switch {
		case r.BaseStatus != api.BasePulling || p.fate.status == api.OperationInProgress:
		case p.fate.status == api.OperationFailed:
			r.BaseStatus, r.StatusReason = api.BasePullFailed, new(p.fate.reason)
		default:
			r.BaseStatus, r.Version = api.BaseAvailable, new("3.11.14")
		}
	}
	return out, nil
}

func (p *platform) pullRuntime(in *api.PullRuntimeRequest) (*api.PullRuntimeResponse, error) {
	for _, r := range p.runtimes {
		if r.RuntimeName == in.RuntimeName {
			r.BaseStatus = api.BasePulling
			return &api.PullRuntimeResponse{Runtime: new(*r)}, nil
		}
	}
	return nil, api.NotFound("There is no runtime %s. List the runtimes to see their names.", in.RuntimeName)
}

// makeBase makes a base at random, unless its release is missing.
func makeBase(_ context.Context, base verb.Base, path string, log io.Writer) (string, error) {
	if base.Suite == "missing" {
		return "", errors.New("there is no release missing")
	}
	fmt.Fprintln(log, "unpacking", strings.Join(base.Packages, " "))
	img, err := random.Image(64, 1)
	if err != nil {
		return "", err
	}
	image := "apron/runtime/" + base.Runtime + ":1.2.3"
	tag, err := name.NewTag(image)
	if err != nil {
		return "", err
	}
	return image, tarball.WriteToFile(path, tag, img)
}

func TestRuntimeLs_ShowsWhereBasesComeFrom(t *testing.T) {
	p := runtimesOf(newPlatform(t))
	got := p.run("runtime", "ls")
	want := `NAME       PROCESS   FROM     BASE                        VERSION     HOST    DEPRECATED
python311  revised   default  r.example/python:3.11       not pulled  3.11.2  -
ruby33*    revised   built    apron/runtime/ruby33:3.3.8  3.3.8       -       -
go1        original  host     host                        1.26.8      1.26.8  no support since 2025; move to go126
`
	if got.out != want || got.code != 0 {
		t.Errorf("code %d\n%s%s\nwant\n%s", got.code, got.out, got.err, want)
	}
	var list api.ListRuntimesResponse
	if got := p.run("runtime", "ls", "--json"); json.Unmarshal([]byte(got.out), &list) != nil || len(list.RuntimeSummaryList) != 3 {
		t.Errorf("--json: %s%s", got.out, got.err)
	}
}

func TestRuntimePull_EndsAsThePullDoes(t *testing.T) {
	for _, c := range []struct {
		name     string
		args     []string
		fate     fate
		code     int
		out, err string
		pulls    int
	}{
		{"it succeeds", []string{"python311"}, fate{}, 0, "python311 has version 3.11.14 in r.example/python:3.11\n", "pulling r.example/python:3.11", 1},
		{"it fails", []string{"python311"}, fate{status: api.OperationFailed, reason: "No such image."}, 1, "", "apron: python311: No such image.", 1},
		{"it takes too long", []string{"python311", "--timeout", "50ms"}, fate{status: api.OperationInProgress}, 4, "", "`apron runtime ls` shows how it stands", 1},
		{"all that come from registries", []string{"--all"}, fate{}, 0, "python311 has version 3.11.14 in r.example/python:3.11\n", "", 1},
		{"there is none", []string{"python99"}, fate{}, 1, "", "apron: There is no runtime python99.", 1},
		{"none is named", nil, fate{}, 2, "", "name runtimes", 0},
		{"all and one", []string{"--all", "go1"}, fate{}, 2, "", "give --all alone", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := runtimesOf(newPlatform(t))
			p.fate = c.fate
			got := p.run(append([]string{"runtime", "pull"}, c.args...)...)
			if got.code != c.code || got.out != c.out || !strings.Contains(got.err, c.err) || p.asked["PullRuntime"] != c.pulls {
				t.Errorf("code %d, %d pulls\n%s%s", got.code, p.asked["PullRuntime"], got.out, got.err)
			}
		})
	}
}

func TestRuntimeBuild_PushesWhatItMakes(t *testing.T) {
	p := newPlatform(t)
	got := p.run("runtime", "build", "python311", "ruby33", "--packages", "gcc,make", "--verbose")
	if got.code != 0 || got.out != "python311 is built on apron/runtime/python311:1.2.3 now\nruby33 is built on apron/runtime/ruby33:1.2.3 now\n" || !strings.Contains(got.err, "unpacking gcc make\n") {
		t.Fatalf("code %d\n%s%s", got.code, got.out, got.err)
	}
	for _, runtime := range []string{"python311", "ruby33"} {
		ref, err := name.ParseReference(strings.TrimPrefix(p.url, "http://") + "/apron/runtime/" + runtime + ":1.2.3")
		if err == nil {
			_, err = remote.Image(ref)
		}
		if err != nil {
			t.Errorf("%s is not in the registry: %v", runtime, err)
		}
	}
	if got := p.run("runtime", "build", "python311", "--suite", "missing"); got.code != 1 || !strings.Contains(got.err, "there is no release missing") {
		t.Errorf("a release that is missing: code %d\n%s", got.code, got.err)
	}
}

func TestRuntimeBuild_WritesAFileWithoutAServer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "base.tar")
	got := run(t, "", "runtime", "build", "python311", "--output", file)
	if got.code != 0 || got.out != file+" holds apron/runtime/python311:1.2.3\n" {
		t.Fatalf("code %d\n%s%s", got.code, got.out, got.err)
	}
	if _, err := tarball.ImageFromPath(file, nil); err != nil {
		t.Error(err)
	}
	if got := run(t, "", "runtime", "build", "python311"); got.code != 1 || !strings.Contains(got.err, "start one with `apron serve") {
		t.Errorf("without a server: code %d\n%s", got.code, got.err)
	}
	if got := run(t, "", "runtime", "build", "python311", "ruby33", "--output", file); got.code != 2 {
		t.Errorf("two into one file: code %d\n%s", got.code, got.err)
	}
}
