package main_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
	"github.com/rogpeppe/go-internal/testscript"

	"apron/aprontest"
)

// awsCLI is Debian's; another aws on the PATH may be version 1, which prints differently.
const awsCLI = "/usr/bin/aws"

// TestScripts runs testdata/script/*.txtar: the product's promises as a user types them, against the real program and
// the real aws command. Beside testscript's own, the commands are:
//
//	apron serve ARGS             starts a platform for the script
//	base REF                     pushes an image to its registry that services with the runtime python311 can be built on
//	repository DIR               makes DIR/work, a repository, and DIR/web.git, where its main is pushed to
//	commit DIR SUBJECT           commits all in DIR/work and pushes it, and sets COMMIT to the commit's id
//	apron ARGS                   runs apron, with the script's data directory in APRON_DATA
//	exits CODE ARGS              runs apron, which must end with that exit code
//	aws ARGS                     runs the aws CLI pointed at it
//	key FILE                     goes on with another key: id and secret, a line each
//	push PROGRAM REF             pushes an image of hello or app to its registry
//	save PROGRAM FILE            writes such an image into a file
//	await NAME STATUS            waits for the service's status, and sets ARN
//	get NAME STATUS PATTERN      asks the service's URL
//	own ACTION MEMBER=VALUE...   calls one of apron's own actions, with the key of the environment
//	shows PATTERN ARGS           runs apron until what it prints matches
//	domain NAME STATUS           waits for the status of ARN's custom domain, or for it to be gone
func TestScripts(t *testing.T) {
	if _, err := os.Stat(awsCLI); err != nil {
		t.Skipf("SKIP: %v; install it with apt-get install awscli", err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "../../testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("APRON", programs.apron)
			env.Setenv("APRON_DATA", filepath.Join(env.WorkDir, "data"))
			env.Values[scriptKey{}] = &script{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"apron":  apronCommand,
			"exits":  exitsCommand,
			"aws":    awsCommand,
			"key":    keyCommand,
			"push":   pushCommand,
			"base":   baseCommand,
			"commit": commitCommand,

			"repository": repositoryCommand,
			"save":       saveCommand,
			"await":      awaitCommand,
			"get":        getCommand,
			"becomes":    becomesCommand,
			"domain":     domainCommand,
			"shows":      showsCommand,
			"own":        ownCommand,
		},
	})
}

// script is what the commands of one script share.
type script struct{ platform *aprontest.Platform }

type scriptKey struct{}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

// platformOf is the script's platform, once it has begun with `apron serve`.
func platformOf(ts *testscript.TestScript) *aprontest.Platform {
	p := scriptOf(ts).platform
	if p == nil {
		ts.Fatalf("no platform; begin with: apron serve")
	}
	return p
}

// outcome fails the script unless the command failed exactly when "!" says so.
func outcome(ts *testscript.TestScript, neg bool, err error) {
	if neg && err == nil {
		ts.Fatalf("unexpected success")
	}
	if !neg {
		ts.Check(err)
	}
}

func apronCommand(ts *testscript.TestScript, neg bool, args []string) {
	if args[0] == "serve" && !neg {
		serveScript(ts, ts.Getenv("APRON_DATA"), args[1:]...)
		return
	}
	outcome(ts, neg, ts.Exec(programs.apron, args...))
}

func exitsCommand(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(programs.apron, args[1:]...)
	code := 0
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		code = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("it ended with exit code %d, want %s", code, args[0])
	}
}

func serveScript(ts *testscript.TestScript, data string, args ...string) {
	p, err := aprontest.Start(context.Background(), programs.apron, data, nil, args...)
	ts.Check(err)
	scriptOf(ts).platform = p
	for name, value := range p.Env {
		ts.Setenv(name, value)
	}
	ts.Defer(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := p.Stop(ctx, true); err != nil {
			ts.Logf("%v", err)
		}
	})
}

func awsCommand(ts *testscript.TestScript, neg bool, args []string) {
	// Debian's version does not read the endpoint from the environment yet.
	outcome(ts, neg, ts.Exec(awsCLI, append(args, "--endpoint-url", platformOf(ts).APIURL())...))
}

func keyCommand(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(ts.ReadFile(args[0]), "\n")
	ts.Setenv("AWS_ACCESS_KEY_ID", lines[0])
	ts.Setenv("AWS_SECRET_ACCESS_KEY", lines[1])
}

func programOf(name string) string {
	return map[string]string{"hello": programs.hello, "app": programs.app}[name]
}

func saveCommand(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(aprontest.Save(programOf(args[0]), ts.MkAbs(args[1])))
}

func pushCommand(ts *testscript.TestScript, _ bool, args []string) {
	img, err := aprontest.Image(programOf(args[0]))
	ts.Check(err)
	_, err = platformOf(ts).Push(context.Background(), img, args[1])
	ts.Check(err)
}

func baseCommand(ts *testscript.TestScript, _ bool, args []string) {
	img, err := aprontest.BusyBox()
	ts.Check(err)
	_, err = platformOf(ts).Push(context.Background(), img, args[0])
	ts.Check(err)
}

func repositoryCommand(ts *testscript.TestScript, _ bool, args []string) {
	_, err := aprontest.NewRepository(context.Background(), ts.MkAbs(args[0]))
	ts.Check(err)
}

func commitCommand(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	r := &aprontest.Repository{Dir: filepath.Join(dir, "work"), Bare: filepath.Join(dir, "web.git")}
	commit, err := r.PushAll(context.Background(), args[1])
	ts.Check(err)
	ts.Setenv("COMMIT", commit)
}

// awaitCommand looks at the newest service of the name until it rests in a status, which must be the one wanted. A
// deleted service is in no list, so it is asked for by the ARN that an earlier await has set.
func awaitCommand(ts *testscript.TestScript, _ bool, args []string) {
	client := platformOf(ts).Client()
	arn := ts.Getenv("ARN")
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(5 * time.Millisecond) {
		list, err := client.ListServices(context.Background(), nil)
		ts.Check(err)
		for _, s := range list.ServiceSummaryList {
			if *s.ServiceName == args[0] {
				arn = *s.ServiceArn
			}
		}
		out, err := client.DescribeService(context.Background(), &apprunner.DescribeServiceInput{ServiceArn: &arn})
		ts.Check(err)
		if out.Service.Status == types.ServiceStatusOperationInProgress {
			continue
		}
		if string(out.Service.Status) != args[1] {
			ts.Fatalf("service %s is %s, want %s", args[0], out.Service.Status, args[1])
		}
		ts.Setenv("ARN", arn)
		ts.Setenv("URL", *out.Service.ServiceUrl)
		return
	}
	ts.Fatalf("service %s was not %s within a minute", args[0], args[1])
}

func getCommand(ts *testscript.TestScript, _ bool, args []string) {
	if status, body := get(ts); strconv.Itoa(status) != args[1] || !regexp.MustCompile(args[2]).MatchString(body) {
		ts.Fatalf("answer is %d %q, want %s %q", status, body, args[1], args[2])
	}
}

func get(ts *testscript.TestScript) (status int, body string) {
	resp, err := platformOf(ts).HTTP().Get("http://" + ts.Getenv("URL"))
	ts.Check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ts.Check(err)
	return resp.StatusCode, string(text)
}

// becomesCommand waits until the service answers so by itself, and for the operation that did it to end.
func becomesCommand(ts *testscript.TestScript, neg bool, args []string) {
	status, body := 0, ""
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		if status, body = get(ts); status == 200 && regexp.MustCompile(args[1]).MatchString(body) {
			awaitCommand(ts, neg, []string{args[0], "RUNNING"})
			return
		}
	}
	ts.Fatalf("the answer is %d %q after a minute, want %q", status, body, args[1])
}

// showsCommand waits for what comes by itself, as a service's falling asleep.
func showsCommand(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	out := ""
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(100 * time.Millisecond) {
		cmd := exec.Command(programs.apron, args[1:]...)
		cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "APRON_DATA="+ts.Getenv("APRON_DATA"))
		text, err := cmd.CombinedOutput()
		if out = string(text); err == nil && pattern.MatchString(out) {
			return
		}
	}
	ts.Fatalf("apron %s prints %q after a minute, want %q", strings.Join(args[1:], " "), out, args[0])
}

// domainCommand waits for what a custom domain comes to by itself.
func domainCommand(ts *testscript.TestScript, _ bool, args []string) {
	status := ""
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(5 * time.Millisecond) {
		out, err := platformOf(ts).Client().DescribeCustomDomains(context.Background(),
			&apprunner.DescribeCustomDomainsInput{ServiceArn: new(ts.Getenv("ARN"))})
		ts.Check(err)
		status = "gone"
		for _, d := range out.CustomDomains {
			if *d.DomainName == args[0] {
				status = string(d.Status)
			}
		}
		if status == args[1] {
			return
		}
	}
	ts.Fatalf("domain %s is %s after a minute, want %s", args[0], status, args[1])
}
