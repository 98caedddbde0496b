package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"

	"apron/aprontest"
)

// example is a service from source, and a change of it.
type example struct {
	runtime        string // what its apprunner.yaml names
	dir            string
	path           string // to ask the service for
	file, old, new string
}

// examples are in the order of how long they take. Their base is this machine: nothing is downloaded, and there is always the Go that
// runs the demo.
var examples = []example{
	{"python311", "examples/python", "/", "app.py", "body = ", `body = b"Tonight: " + `},
	{"go1", "examples/go", "/1987", "main.go", "fmt.Fprintln(w, numeral)", `fmt.Fprintln(w, path, "is", numeral)`},
}

// runtimeArguments have the server build the examples on this machine's own programs.
func runtimeArguments() (args []string) {
	for _, e := range examples {
		args = append(args, "--runtime-image", e.runtime+"=host")
	}
	return args
}

// source deploys an example from a git repository on the platform itself, and then a change of it.
func (d *demo) source(dir string) error {
	e, err := d.choose()
	if err != nil {
		return err
	}
	repo, err := d.repository(dir, e)
	if err != nil {
		return err
	}
	arn, url, err := d.create("web-app", map[string]any{"CodeRepository": map[string]any{
		"RepositoryUrl":     d.remote(),
		"SourceCodeVersion": map[string]string{"Type": "BRANCH", "Value": "main"},
		"CodeConfiguration": map[string]string{"ConfigurationSource": "REPOSITORY"},
	}})
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return d.call(url, e.path, http.StatusOK) },
		func() error { return d.change(repo, e, arn) },
		func() error { return d.call(url, e.path, http.StatusOK) },
		func() error { return d.life(arn, url) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// choose takes the first example that this machine has the programs for.
func (d *demo) choose() (example, error) {
	var list struct {
		RuntimeSummaryList []struct{ RuntimeName, BaseStatus, StatusReason string }
	}
	if err := d.own("ListRuntimes", map[string]any{}, &list); err != nil {
		return example{}, err
	}
	var missing []string
	for _, e := range examples {
		for _, r := range list.RuntimeSummaryList {
			if r.RuntimeName == e.runtime && r.BaseStatus == "AVAILABLE" {
				return e, nil
			}
			if r.RuntimeName == e.runtime {
				missing = append(missing, r.StatusReason)
			}
		}
	}
	return example{}, fmt.Errorf("no example can be built from source: %s", strings.Join(missing, "; "))
}

// remote is where the repository is pushed to. It need not be there before.
func (d *demo) remote() string { return d.platform.APIURL() + "/git/web-app" }

// repository makes one of the example and pushes it.
func (d *demo) repository(dir string, e example) (*aprontest.Repository, error) {
	repo, err := aprontest.NewRepository(d.ctx, dir)
	if err == nil {
		err = os.CopyFS(repo.Dir, os.DirFS(e.dir))
	}
	if err == nil {
		err = d.gitPush(repo, "Begin with "+e.dir)
	}
	return repo, err
}

// gitPush commits what has changed, and pushes it to the platform as `git push apron main` does.
func (d *demo) gitPush(repo *aprontest.Repository, subject string) error {
	commit, err := repo.PushAll(d.ctx, subject)
	if err != nil {
		return err
	}
	to, err := url.Parse(d.remote())
	if err != nil {
		return err
	}
	to.User = url.UserPassword(d.platform.Env["AWS_ACCESS_KEY_ID"], d.platform.Env["AWS_SECRET_ACCESS_KEY"])
	if _, err := repo.Git(d.ctx, "push", "--quiet", to.String(), "main"); err != nil {
		return err
	}
	d.say("git push %s: main is at %.7s, %s", d.remote(), commit, subject)
	return nil
}

// change pushes another version, which the platform deploys by itself.
func (d *demo) change(repo *aprontest.Repository, e example, arn string) error {
	path := filepath.Join(repo.Dir, e.file)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed := strings.Replace(string(text), e.old, e.new, 1)
	if changed == string(text) {
		return fmt.Errorf("%s has no %q to change", path, e.old)
	}
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
		return err
	}
	before, err := d.newest(arn)
	if err != nil {
		return err
	}
	if err := d.gitPush(repo, "Say more"); err != nil {
		return err
	}
	id, err := d.next(arn, before)
	if err != nil {
		return err
	}
	d.say("the push has begun operation %s", id)
	return d.follow(arn, id)
}

// next waits for the operation of the service that comes after one.
func (d *demo) next(arn, before string) (string, error) {
	for {
		id, err := d.newest(arn)
		if err != nil || id != before {
			return id, err
		}
		select {
		case <-d.ctx.Done():
			return "", fmt.Errorf("the push has begun no deployment: %w\n%s", context.Cause(d.ctx), d.platform.Log())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// newest is the operation of the service that began last.
func (d *demo) newest(arn string) (string, error) {
	out, err := d.platform.Client().ListOperations(d.ctx, &apprunner.ListOperationsInput{ServiceArn: &arn})
	if err != nil {
		return "", err
	}
	return *out.OperationSummaryList[0].Id, nil
}

func (d *demo) own(action string, in map[string]any, out any) error {
	text, err := d.platform.Own(d.ctx, action, in)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, out)
}

// follow prints the log of a deployment as it comes, until its operation has ended well.
func (d *demo) follow(arn, id string) error {
	ended := make(chan error, 1)
	go func() { ended <- aprontest.Succeed(d.ctx, d.platform.Client(), arn, &id) }()
	var token string
	for {
		select {
		case err := <-ended:
			if _, more := d.deployment(arn, id, token); err == nil {
				err = more
			}
			if err := d.ended(err); err != nil {
				return err
			}
			return d.took(arn, id)
		case <-time.After(20 * time.Millisecond):
		}
		var err error
		if token, err = d.deployment(arn, id, token); err != nil {
			return err
		}
	}
}

// deployment prints what has come of the log behind the token, and returns the next.
func (d *demo) deployment(arn, id, token string) (next string, err error) {
	in := map[string]any{"ServiceArn": arn, "Stream": "DEPLOYMENT", "OperationId": id}
	if token != "" {
		in["NextToken"] = token
	}
	var out struct {
		Events    []struct{ Message string }
		NextToken string
	}
	if err := d.own("ListLogEvents", in, &out); err != nil {
		return token, err
	}
	for _, e := range out.Events {
		d.say("    %s", e.Message)
	}
	return out.NextToken, nil
}

// took prints where the time of an operation went, as the platform has measured it.
func (d *demo) took(arn, id string) error {
	var out struct {
		Operation struct {
			Steps []struct {
				Name         string
				Milliseconds int
				Phases       []struct {
					Name         string
					Milliseconds int
				}
			}
		}
	}
	if err := d.own("DescribeOperation", map[string]any{"ServiceArn": arn, "OperationId": id}, &out); err != nil {
		return err
	}
	var steps []string
	for _, s := range out.Operation.Steps {
		var phases []string
		for _, p := range s.Phases {
			phases = append(phases, fmt.Sprintf("%s %d", p.Name, p.Milliseconds))
		}
		text := fmt.Sprintf("%s %d ms", s.Name, s.Milliseconds)
		if len(phases) > 0 {
			text += " (" + strings.Join(phases, ", ") + ")"
		}
		steps = append(steps, text)
	}
	d.say("of it: %s", strings.Join(steps, "; "))
	return nil
}
