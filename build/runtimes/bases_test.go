package runtimes_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"apron/build/runtimes"
	"apron/driver"
)

// wantError wants a *runtimes.Error with all these parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	e, ok := errors.AsType[*runtimes.Error](err)
	if !ok {
		t.Fatalf("error %v, want a *runtimes.Error", err)
	}
	for _, part := range parts {
		if !strings.Contains(e.Reason, part) {
			t.Errorf("error %q, want %q in it", e.Reason, part)
		}
	}
}

func TestFind_PullsTheConfiguredImageAndLooksIntoItOnce(t *testing.T) {
	var started starts
	r := newRig(t, func(r *rig, cfg *runtimes.Config) {
		configured(r, cfg)
		started.Driver, cfg.Driver = cfg.Driver, &started
	})
	digest := r.push(r.outside+"/python:3.11", "Python 3.11.14\n")
	base, err := r.find(owner, "3")
	want := runtimes.Base{Image: digest, Version: "3.11.14", Ref: r.outside + "/python:3.11"}
	if err != nil || base.Image != want.Image || base.Version != want.Version || base.Ref != want.Ref || base.Host {
		t.Fatalf("%+v, %v; want %+v", base, err, want)
	}
	if log := r.log(); !strings.Contains(log, "Pulling base image "+want.Ref) || !strings.Contains(log, "3.11.14") {
		t.Errorf("log:\n%s", log)
	}
	begin := time.Now()
	if again, err := r.find(stranger, ""); err != nil || again.Image != digest {
		t.Errorf("again: %+v, %v", again, err)
	}
	if n := started.n.Load(); n != 1 {
		t.Errorf("%d containers were started for two looks at one image", n)
	}
	kept, err := r.Kept()
	if err != nil || len(kept) != 1 || kept[0].Digest != digest || kept[0].Used.Before(begin) {
		t.Errorf("kept %v, %v; want %s", kept, err, digest)
	}
}

// TestFind_SeesWhatIsPushedToTheEmbeddedRegistryAtOnce by whichever name the base has: who has mended it builds again.
func TestFind_SeesWhatIsPushedToTheEmbeddedRegistryAtOnce(t *testing.T) {
	for _, host := range []bool{true, false} {
		var ref string
		r := newRig(t, func(r *rig, cfg *runtimes.Config) {
			if ref = "base:1"; host {
				ref = r.own[owner] + "/" + ref
			}
			cfg.Map = map[string]string{"python311": ref}
		})
		for _, version := range []string{"3.11.2", "3.11.3"} {
			digest := r.push(r.own[owner]+"/base:1", "Python "+version+"\n")
			if base, err := r.find(stranger, ""); err != nil || base.Image != digest || base.Version != version {
				t.Errorf("%s: %+v, %v; want %s with %s", ref, base, err, digest, version)
			}
		}
	}
}

func TestFind_TakesTheImageOfTheLockedVersion(t *testing.T) {
	r := newRig(t, configured)
	r.push(r.outside+"/python:3.11", "Python 3.11.14\n")
	older := r.push(r.outside+"/python:3.11.4", "Python 3.11.4\n")
	if base, err := r.find(owner, "3.11.4"); err != nil || base.Image != older {
		t.Errorf("%+v, %v; want %s", base, err, older)
	}
	_, err := r.find(owner, "3.11.5")
	wantError(t, err, "Runtime version 3.11.5 is not supported", "python:3.11.5 does not exist", "--runtime-image python311=IMAGE", "apron runtime ls")
}

func TestFind_RefusesABaseThatIsNotWhatItIsConfiguredAs(t *testing.T) {
	r := newRig(t, configured)
	r.push(r.outside+"/python:3.11", "Python 3.12.1\n")
	_, err := r.find(owner, "")
	wantError(t, err, "/python:3.11 has version 3.12.1, which is not Python 3.11")
	r.push(r.outside+"/python:3.11.1", "")
	_, err = r.find(owner, "3.11.1")
	wantError(t, err, "`python3 --version` ended with exit code 3")
	r.push(r.outside+"/python:3.11.2", "I am no Python\n")
	_, err = r.find(owner, "3.11.2")
	wantError(t, err, "printed no version", "I am no Python")
	r.push(r.outside+"/python:3.11.3", "Python 3.11.4\n")
	_, err = r.find(owner, "3.11.3")
	wantError(t, err, "has 3.11.4, not 3.11.3")
}

func TestFind_TakesTheNewestBuiltBaseThatFits(t *testing.T) {
	r := newRig(t, nil)
	old, newest, theirs := r.built(owner, "3.11.9"), r.built(owner, "3.11.10"), r.built(stranger, "3.11.8")
	r.built(owner, "3.12.1") // pushed by hand under the wrong runtime: passed over
	for _, c := range []struct{ name, account, lock, want string }{
		{"none", owner, "", newest}, {"minor", owner, "3.11", newest}, {"patch", owner, "3.11.9", old},
		{"an account's own first", stranger, "", theirs}, {"the owner's where it fits", stranger, "3.11.9", old},
	} {
		t.Run(c.name, func(t *testing.T) {
			if base, err := r.find(c.account, c.lock); err != nil || base.Image != c.want {
				t.Errorf("%+v, %v; want %s", base, err, c.want)
			}
		})
	}
	kept, err := r.Kept()
	if err != nil || len(kept) != 3 {
		t.Errorf("kept %+v, %v; want the three that builds began with", kept, err)
	}
}

// custom is a runtime whose default image is in the rig's outside registry, and that this machine has.
func custom(r *rig, image string) runtimes.Runtime {
	return runtimes.Runtime{
		Name: "shell1", Title: "Shell 1", Line: "1", Version: "1", Image: r.outside + image,
		Probe: []string{"sh", "-c", "echo version 1.2.3"}, Versions: []string{"version ([0-9.]+)"}, Tools: []string{"sh", "ls"},
	}
}

// starts counts the instances that a driver starts.
type starts struct {
	driver.Driver
	n atomic.Int64
}

func (s *starts) Start(ctx context.Context, spec driver.Spec) error {
	s.n.Add(1)
	return s.Driver.Start(ctx, spec)
}

// silent is a registry's address where nobody answers: connections are taken, which it counts, and nothing comes.
func silent(t *testing.T) (address string, asked *atomic.Int64) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	asked = new(atomic.Int64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			defer c.Close() // when the test has ended
		}
	}()
	return l.Addr().String(), asked
}

func TestFind_TakesTheHostWhereTheRegistryDoesNotAnswer(t *testing.T) {
	r := newRig(t, nil)
	rt := custom(r, "")
	address, asked := silent(t)
	rt.Image = address + "/shell:{version}"
	base, err := r.Find(t.Context(), owner, rt, "1.2", r.line)
	if err != nil || !base.Host || base.Image != "" || base.Version != "1.2.3" || !strings.Contains(base.Env["PATH"], "/usr/bin") {
		t.Fatalf("%+v, %v", base, err)
	}
	before := asked.Load()
	if log := r.log(); before == 0 || !strings.Contains(log, "cannot be reached") || !strings.Contains(log, "this machine's own programs") {
		t.Errorf("log:\n%s", log)
	}
	if _, err := r.Find(t.Context(), owner, rt, "", r.line); err != nil {
		t.Error(err)
	}
	if n := asked.Load(); n != before {
		t.Errorf("the registry was asked %d times more the second time", n-before)
	}
}

func TestFind_NamesTheWaysOutWhereThereIsNoBase(t *testing.T) {
	r := newRig(t, nil)
	rt := custom(r, "/shell:{version}")
	_, err := r.Find(t.Context(), owner, rt, "1.3", r.line)
	wantError(t, err, "Runtime version 1.3 is not supported", "does not exist", "this machine has 1.2.3, not 1.3", "--runtime-image shell1=IMAGE", "lock another version")
	rt.Tools = []string{"sh", "no-such-tool"}
	_, err = r.Find(t.Context(), owner, rt, "", r.line)
	wantError(t, err, "There is no base for runtime shell1", "this machine has no no-such-tool", "--runtime-image shell1=IMAGE")
}

func TestFind_TakesTheConfiguredHostAndNothingElse(t *testing.T) {
	r := newRig(t, func(_ *rig, cfg *runtimes.Config) { cfg.Map = map[string]string{"nodejs12": runtimes.Host} })
	rt, _ := runtimes.Lookup("nodejs12")
	_, err := r.Find(t.Context(), owner, rt, "", r.line)
	wantError(t, err, "the base that the server is configured with", "this machine has", "apron runtime build nodejs12")
	if log := r.log(); !strings.Contains(log, "nodejs12 is deprecated") || !strings.Contains(log, "move to nodejs24") {
		t.Errorf("log:\n%s", log)
	}
}

func TestFind_GoesOnWithWhatItHasWhenTheRegistryGoesAway(t *testing.T) {
	r := newRig(t, configured)
	digest := r.push(r.outside+"/python:3.11", "Python 3.11.14\n")
	if _, err := r.find(owner, ""); err != nil {
		t.Fatal(err)
	}
	r.server.Close()
	r.forgetWhen(t)
	base, err := r.find(owner, "")
	if err != nil || base.Image != digest {
		t.Fatalf("%+v, %v", base, err)
	}
	if log := r.log(); !strings.Contains(log, "Using the copy of base image") {
		t.Errorf("log:\n%s", log)
	}
}

func TestFind_SeesANewImageOfTheSameTagInTheEmbeddedRegistryAtOnce(t *testing.T) {
	r := newRig(t, func(r *rig, cfg *runtimes.Config) {
		cfg.Map = map[string]string{"python311": r.own[owner] + "/mine/python:3.11"}
	})
	for _, version := range []string{"3.11.1", "3.11.2"} {
		digest := r.push(r.own[owner]+"/mine/python:3.11", "Python "+version+"\n")
		if base, err := r.find(owner, ""); err != nil || base.Image != digest || base.Version != version {
			t.Errorf("%+v, %v; want %s", base, err, digest)
		}
	}
}

func TestNew_RefusesAMapThatLeadsNowhere(t *testing.T) {
	for name, ref := range map[string]string{"python99": "r.example/x:1", "PYTHON_311": "r.example/x:1", "python311": "r.example/UPPER:1"} {
		if _, err := runtimes.New(runtimes.Config{Dir: t.TempDir(), Map: map[string]string{name: ref}}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, ref, err)
		}
	}
}

// forgetWhen makes what the rig learnt of references old, so that registries are asked again.
func (r *rig) forgetWhen(t *testing.T) {
	t.Helper()
	for _, file := range glob(t, r.dir+"/runtimes/refs/*.json") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		year := time.Now().Format("\"2006-")
		old := strings.Replace(string(text), `"resolved":`+year, `"resolved":"2001-`, 1)
		if old == string(text) {
			t.Fatalf("%s says no time", text)
		}
		if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
