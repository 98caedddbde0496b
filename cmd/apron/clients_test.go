package main_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"apron/aprontest"
)

// caller is a client library as the scenario uses it.
type caller interface {
	// call returns what the action answered, or the exception that the client made of its failure. err is everything else.
	call(ctx context.Context, s step, input string) (output any, refused *exception, err error)
}

// exception is a failure as a client reports it: of the class that the model names.
type exception struct{ class, message string }

// clientQuotas let a few calls reach each quota.
const clientQuotas = "services=3,connections=2,auto-scaling-configurations=2,auto-scaling-revisions=2," +
	"observability-configurations=2,observability-revisions=2,vpc-connectors=2"

// callLimit is how long a client may take over a call, and stepLimit how long a step may be tried again.
const (
	callLimit = 30 * time.Second
	stepLimit = time.Minute
)

// TestClients has AWS's clients in four forms do the same: call every action, and bring about every exception that the
// model declares for it. Each has a region to itself and with it a platform of its own, as far as it can tell.
func TestClients(t *testing.T) {
	s := readScenario(t)
	p := servePlatform(t, "--quota", clientQuotas)
	newer := newerModel(t)
	for _, c := range []struct {
		name, region string
		open         func(*testing.T, *aprontest.Platform, map[string]string) caller
	}{
		{"go", "us-east-1", openGo},
		{"boto3", "eu-west-1", openBoto3},
		{"aws", "ap-northeast-1", openCLI},
		{"js", "us-west-2", openJS},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env := maps.Clone(p.Env)
			maps.Copy(env, map[string]string{
				"AWS_REGION": c.region, "AWS_DEFAULT_REGION": c.region,
				"AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": "", "HOME": t.TempDir(), "NEWER_MODEL": newer,
			})
			run := &run{T: t, name: c.name, client: c.open(t, p, env), done: map[pair]bool{}, variables: variables{
				"region": c.region, "registry": strings.TrimPrefix(p.APIURL(), "http://"), "zeros": strings.Repeat("0", 32),
			}}
			for _, step := range s.steps {
				run.step(step)
			}
			run.covers(s)
		})
	}
}

// servePlatform starts a platform that has the images hello:1 and app:1 and ends with the test.
func servePlatform(t *testing.T, args ...string) *aprontest.Platform {
	t.Helper()
	p, err := aprontest.Start(t.Context(), programs.apron, filepath.Join(t.TempDir(), "data"), nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := p.Stop(ctx, true); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(p.Log())
		}
	})
	for name, program := range map[string]string{"hello:1": programs.hello, "app:1": programs.app} {
		img, err := aprontest.Image(program)
		if err == nil {
			_, err = p.Push(t.Context(), img, name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// run is one client's way through the scenario.
type run struct {
	*testing.T
	name      string
	client    caller
	variables variables
	done      map[pair]bool // with the exception "" for a success
}

// step does a step and ends the run when it goes wrong: the later ones build on it.
func (r *run) step(s step) {
	r.Helper()
	if s.not == r.name {
		return
	}
	input, err := r.variables.expand(s.input)
	if err != nil {
		r.Fatalf("%s: %s: %v", s.at, s.action, err)
	}
	for deadline := time.Now().Add(stepLimit); ; time.Sleep(20 * time.Millisecond) {
		err = r.try(s, input)
		if err == nil || !s.until || time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		r.Fatalf("%s: %s %s: %v", s.at, s.action, input, err)
	}
	r.done[pair{s.action, s.exception}] = true
}

// try does the step once and tells what is not as wanted.
func (r *run) try(s step, input string) error {
	ctx, cancel := context.WithTimeout(r.Context(), callLimit)
	defer cancel()
	output, refused, err := r.client.call(ctx, s, input)
	switch {
	case err != nil:
		return err
	case refused == nil && s.exception != "":
		return fmt.Errorf("succeeded, want %s", s.exception)
	case refused == nil:
		return r.variables.hold(s.checks, output)
	}
	reason, err := r.variables.expand(s.reason)
	if err == nil && (s.exception == "" || refused.class != s.exception || !strings.Contains(refused.message, reason)) {
		err = fmt.Errorf("%s: %s; want %q %s", refused.class, refused.message, s.exception, reason)
	}
	return err
}

// covers wants every action to have succeeded, and each of its exceptions seen or named as one that cannot be.
func (r *run) covers(s scenario) {
	r.Helper()
	var missing []string
	for action, declared := range operations(r.T) {
		want := append(declared, "")
		for _, exception := range want {
			p := pair{action, exception}
			if exception == "InternalServiceErrorException" || r.done[p] {
				continue
			}
			if s.never[p] == "" {
				missing = append(missing, fmt.Sprintf("%s %s", action, exception))
			}
		}
	}
	if slices.Sort(missing); len(missing) > 0 {
		r.Errorf("not covered:\n%s", strings.Join(missing, "\n"))
	}
	for p := range s.never {
		if r.done[p] {
			r.Errorf("%s is said never to fail with %s, and did", p.action, p.exception)
		}
	}
}
