package verb_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"apron/api"
)

// TestVerbs_EndAsTheirOperationDoes has each way in which an operation ends, in words and as an exit code.
func TestVerbs_EndAsTheirOperationDoes(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		fate fate
		code int
		out  string   // all of it
		err  []string // parts of it
	}{
		{
			name: "a pause succeeds", args: []string{"pause", "web-app"}, fate: fate{status: api.OperationSucceeded},
			out: "web-app is PAUSED\n", err: []string{"pausing web-app\n", "pausing web-app: drain\n"},
		},
		{
			name: "a deployment fails", args: []string{"deploy", "web-app"}, code: 3,
			fate: fate{status: api.OperationFailed, service: api.StatusRunning, reason: "Container exit code: 3", lines: []string{"ending at start"}},
			err:  []string{"ending at start\n", "apron: deploying web-app failed and was rolled back, the version before goes on serving: Container exit code: 3"},
		},
		{
			name: "an update is rolled back", args: []string{"up", "web:2", "--name", "web-app"}, code: 3,
			fate: fate{status: api.OperationRollbackSucceeded, service: api.StatusRunning, reason: "No such image."},
			err:  []string{"apron: updating web-app failed and was rolled back, the version before goes on serving: No such image."},
		},
		{
			name: "a new service fails", args: []string{"up", "web:2", "--name", "other-app"}, code: 1,
			fate: fate{status: api.OperationFailed, service: api.StatusCreateFailed, reason: "No such image."},
			err:  []string{"apron: creating other-app failed: No such image."},
		},
		{
			name: "a server that gives no reason", args: []string{"pause", "web-app"}, code: 1,
			fate: fate{status: api.OperationFailed, service: api.StatusRunning},
			err:  []string{"apron: pausing web-app failed: operation 00000000000000000000000000000001 is FAILED\n"},
		},
		{
			name: "a pause takes too long", args: []string{"pause", "web-app", "--timeout", "50ms"}, code: 4,
			fate: fate{status: api.OperationInProgress},
			err: []string{"apron: pausing web-app has not ended in time and goes on on the server: `apron wait operation 00000000000000000000000000000001 --service web-app` follows it, " +
				"`apron cancel web-app` ends it"},
		},
		{
			name: "a deletion takes too long", args: []string{"rm", "web-app", "--timeout", "50ms"}, code: 4,
			fate: fate{status: api.OperationInProgress},
			err:  []string{"--service arn:aws:apprunner:us-east-1:123456789012:service/web-app/00000000000000000000000000000001` follows it"},
		},
		{
			name: "a wait is left to others", args: []string{"pause", "web-app", "--wait=false"}, fate: fate{status: api.OperationInProgress},
			out: "00000000000000000000000000000001\n", err: []string{"follow it with `apron wait operation 00000000000000000000000000000001 --service web-app`"},
		},
		{
			name: "there is nothing to do", args: []string{"pause", "idle-app"}, out: "idle-app is PAUSED\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlatform(t, "web-app")
			p.add("idle-app", api.StatusPaused)
			p.setFate(c.fate)
			got := p.run(c.args...)
			if got.code != c.code || got.out != c.out {
				t.Errorf("it ended with %d and %q\nwant %d and %q", got.code, got.out, c.code, c.out)
			}
			for _, part := range c.err {
				if !strings.Contains(got.err, part) {
					t.Errorf("stderr is %q\nand lacks %q", got.err, part)
				}
			}
		})
	}
}

// TestJSON_IsOneDocumentWithTheAPIsNames also holds that nothing else is said, except for a failure's reason.
func TestJSON_IsOneDocumentWithTheAPIsNames(t *testing.T) {
	for _, c := range []struct {
		args []string
		fate fate
		keys string
		code int
		err  string
	}{
		{args: []string{"pause", "web-app"}, fate: fate{status: api.OperationSucceeded}, keys: "Operation OperationId Service"},
		{args: []string{"pause", "web-app", "--wait=false"}, fate: fate{status: api.OperationSucceeded}, keys: "OperationId Service"},
		{
			args: []string{"deploy", "web-app"}, fate: fate{status: api.OperationFailed, service: api.StatusRunning, reason: "Broken.", lines: []string{"line"}},
			keys: "Operation OperationId Service", code: 3,
			err: "apron: deploying web-app failed and was rolled back, the version before goes on serving: Broken.\n",
		},
		{args: []string{"ps"}, keys: "ServiceSummaryList"},
		{args: []string{"show", "web-app"}, keys: "Service"},
		{args: []string{"ops", "web-app"}, keys: "OperationSummaryList"},
		{args: []string{"env", "web-app"}, keys: "RuntimeEnvironmentSecrets RuntimeEnvironmentVariables"},
		{args: []string{"scale", "web-app"}, keys: "AutoScalingConfiguration"},
		{args: []string{"wait", "web-app", "running"}, keys: "Service"},
	} {
		p := newPlatform(t, "web-app")
		p.setFate(c.fate)
		got := p.run(append(c.args, "--json")...)
		var document map[string]any
		if err := json.Unmarshal([]byte(got.out), &document); err != nil {
			t.Errorf("%v printed %q: %v", c.args, got.out, err)
		}
		if keys := strings.Join(slices.Sorted(maps.Keys(document)), " "); keys != c.keys || got.code != c.code || got.err != c.err {
			t.Errorf("%v ended with %d, has %q and says %q\nwant %d, %q and %q", c.args, got.code, keys, got.err, c.code, c.keys, c.err)
		}
	}
}

func TestNames(t *testing.T) {
	p := newPlatform(t, "web-app", "web-api", "billing")
	for _, c := range []struct {
		args []string
		code int
		err  string
	}{
		{args: []string{"show", "billing"}},
		{args: []string{"show", "arn:aws:apprunner:us-east-1:123456789012:service/web-api/00000000000000000000000000000002"}},
		{args: []string{"show", "wbe-app"}, code: 1, err: "apron: no service named wbe-app; did you mean web-app or web-api? `apron ps` lists those that there are\n"},
		{args: []string{"show", "bill"}, code: 1, err: "apron: no service named bill; did you mean billing? `apron ps` lists those that there are\n"},
		{args: []string{"show", "shop"}, code: 1, err: "apron: no service named shop; `apron ps` lists those that there are\n"},
		{args: []string{"pause"}, code: 2, err: "apron: name one service, as in `apron pause web-app`; `apron ps` lists them\n"},
		{args: []string{"pause", "web-app", "web-api"}, code: 2, err: "apron: \"web-api\" is one argument too many; the form is `apron pause NAME`\n"},
		{args: []string{"wait", "web-app", "up"}, code: 2,
			err: "apron: \"up\" is no state; the forms are `apron wait NAME running|paused|deleted` and `apron wait operation ID`\n"},
	} {
		if got := p.run(c.args...); got.code != c.code || got.err != c.err {
			t.Errorf("%v ended with %d and %q\nwant %d and %q", c.args, got.code, got.err, c.code, c.err)
		}
	}
	p.add("billing", api.StatusRunning)
	if got := p.run("show", "billing"); got.code != 1 || !strings.Contains(got.err, "billing is the name of 2 services; name one by its ARN: arn:") {
		t.Errorf("an ambiguous name ended with %d and %q", got.code, got.err)
	}
}

// TestBusy_NamesTheVerbsThatHelp: the server's own text speaks of actions.
func TestBusy_NamesTheVerbsThatHelp(t *testing.T) {
	p := newPlatform(t)
	p.add("web-app", api.StatusOperationInProgress)
	p.add("idle-app", api.StatusPaused)
	if got := p.run("env", "web-app", "A=1"); !strings.Contains(got.err, "`apron cancel web-app` ends it") {
		t.Errorf("a service with an operation: %q", got.err)
	}
	if got := p.run("up", "web:2", "--name", "idle-app"); !strings.Contains(got.err, "`apron resume idle-app` brings it back first") {
		t.Errorf("a paused service: %q", got.err)
	}
}

func TestUp_SendsWhatIsNewAndKeepsTheRest(t *testing.T) {
	p := newPlatform(t, "web-app")
	p.run("up", "public.ecr.aws/team/web:2", "--name", "web-app", "--env", "A=1=2")
	source := p.sent["UpdateService"].(*api.UpdateServiceRequest).SourceConfiguration.ImageRepository
	want := map[string]string{"GREETING": "Hello", "A": "1=2"}
	if source.ImageIdentifier != "public.ecr.aws/team/web:2" || source.ImageRepositoryType != api.ImageRepositoryECRPublic ||
		*source.ImageConfiguration.Port != "8080" || !maps.Equal(source.ImageConfiguration.RuntimeEnvironmentVariables, want) {
		t.Errorf("the update has %+v with %+v", source, source.ImageConfiguration)
	}
	p.run("up", "registry.example:5000/team/api@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "--port", "9000")
	created := p.sent["CreateService"].(*api.CreateServiceRequest)
	if created.ServiceName != "api-app" || *created.SourceConfiguration.ImageRepository.ImageConfiguration.Port != "9000" {
		t.Errorf("the new service has %+v", created)
	}
}

func TestUp_RefusesWhatItCannotBuild(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("main.go", []byte("package main"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("notes.tar", []byte("no tar"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPlatform(t)
	for args, want := range map[string]string{
		"up ./notes.tar":         "notes.tar: it holds no image: neither a docker archive nor an OCI layout",
		"up ./absent.tar":        "no such file",
		"up web --env A":         "--env \"A\" is not of the form KEY=VALUE",
		"up web --name -x":       "can't be a service's name",
		"up web --name -web-app": "can't be a service's name",
		"up web --name wéb-app":  "can't be a service's name",
		"up web --name web":      "can't be a service's name",
	} {
		if got := p.run(strings.Fields(args)...); got.code == 0 || !strings.Contains(got.err, want) {
			t.Errorf("%s: ended with %d and %q, want %q", args, got.code, got.err, want)
		}
	}
	if err := os.Remove("notes.tar"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"up"}, {"up", "."}} {
		if got := p.run(args...); got.code != 2 || !strings.Contains(got.err, "does not say how it is built and started; write an apprunner.yaml") {
			t.Errorf("%v: ended with %d and %q", args, got.code, got.err)
		}
	}
	for _, file := range []string{"a.tar", "b.tgz"} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.run("up"); !strings.Contains(got.err, "holds several archives; name the one that is meant, or give --start to build the directory: a.tar, b.tgz") {
		t.Errorf("two archives: %q", got.err)
	}
}

func TestEnv_ChangesAllInOneDeployment(t *testing.T) {
	p := newPlatform(t, "web-app")
	got := p.run("env", "web-app", "A=1", "EMPTY=", "GREETING-", "--secret", "TOKEN=arn:aws:secretsmanager:us-east-1:123456789012:secret:x")
	c := p.sent["UpdateService"].(*api.UpdateServiceRequest).SourceConfiguration.ImageRepository.ImageConfiguration
	if got.code != 0 || !maps.Equal(c.RuntimeEnvironmentVariables, map[string]string{"A": "1", "EMPTY": ""}) || len(c.RuntimeEnvironmentSecrets) != 1 {
		t.Errorf("it ended with %d and %q and sent %+v", got.code, got.err, c)
	}
	asked := p.asked["UpdateService"]
	for args, want := range map[string]string{
		"env web-app GONE-":         "there is no variable GONE to remove",
		"env web-app A":             `"A" neither sets a variable, as KEY=VALUE does, nor removes one, as KEY- does`,
		"env web-app =1":            `"=1" neither sets`,
		"env web-app --secret NAME": `--secret "NAME" is not of the form KEY=VALUE`,
	} {
		if got := p.run(strings.Fields(args)...); got.code == 0 || !strings.Contains(got.err, want) {
			t.Errorf("%s: ended with %d and %q, want %q", args, got.code, got.err, want)
		}
	}
	if p.asked["UpdateService"] != asked {
		t.Error("a wrong command changed the service")
	}
	if got := p.run("env"); !strings.HasPrefix(got.out+got.err, "export /data") {
		t.Errorf("without a name it printed %+v", got)
	}
}

// TestScale_MakesRoomForARevision: App Runner keeps few revisions of a name, and a service may be scaled for ever.
func TestScale_MakesRoomForARevision(t *testing.T) {
	p := newPlatform(t, "web-app")
	for _, minimum := range []string{"2", "3", "4", "5"} {
		if got := p.run("scale", "web-app", "--min", minimum, "--max", "9"); got.code != 0 {
			t.Fatalf("--min %s: %s", minimum, got.err)
		}
	}
	newest := p.scalings[len(p.scalings)-1]
	if *newest.AutoScalingConfigurationRevision != 4 || *newest.MinSize != 5 || *newest.MaxSize != 9 || *newest.MaxConcurrency != 100 || len(p.scalings) != 1+mostRevisions {
		t.Errorf("%d configurations are left, the newest is %+v", len(p.scalings), newest)
	}
	if sent := p.sent["UpdateService"].(*api.UpdateServiceRequest); *sent.AutoScalingConfigurationArn != *newest.AutoScalingConfigurationArn {
		t.Errorf("the service is bound to %s", *sent.AutoScalingConfigurationArn)
	}
}

// TestScale_LeavesNothingBehindWhenRefused: names of configurations are few as well.
func TestScale_LeavesNothingBehindWhenRefused(t *testing.T) {
	p := newPlatform(t)
	p.add("web-app", api.StatusPaused)
	if got := p.run("scale", "web-app", "--min", "2"); got.code != 1 || len(p.scalings) != 1 {
		t.Errorf("it ended with %d and %q, and %d configurations are there", got.code, got.err, len(p.scalings))
	}
}

func TestTop_MeasuresBetweenTwoLooks(t *testing.T) {
	p := newPlatform(t, "web-app")
	const want = `^SERVICE  INSTANCE      STATUS   AGE +CPU  MEMORY  LIMIT    REQUESTS  SERVED  ERRORS
web-app  0123456789ab  HEALTHY  1m\d+s  50%  1.5M    2048.0M  2         10      1
$`
	if got := p.run("top", "--interval", "1ms"); got.code != 0 || !regexp.MustCompile(want).MatchString(got.out) {
		t.Errorf("it ended with %d and\n%s%s\nwant\n%s", got.code, got.out, got.err, want)
	}
}

func TestRollback_ListsWhatThereIsToGoBackTo(t *testing.T) {
	p := newPlatform(t, "web-app")
	for range 2 {
		p.run("deploy", "web-app")
	}
	const want = `^OPERATION                         BY                DEPLOYED  SOURCE +DIGEST
00000000000000000000000000000002  START_DEPLOYMENT  \d+s ago +web:1 +sha256:0123456789ab  current
00000000000000000000000000000001  START_DEPLOYMENT  \d+s ago +web:1 +sha256:0123456789ab
$`
	if got := p.run("rollback", "web-app", "--list"); !regexp.MustCompile(want).MatchString(got.out) {
		t.Errorf("it lists\n%s%s\nwant\n%s", got.out, got.err, want)
	}
	got := p.run("rollback", "web-app", "00000000000000000000000000000001")
	if sent := p.sent["RollbackService"].(*api.RollbackServiceRequest); got.code != 0 || *sent.OperationId != "00000000000000000000000000000001" {
		t.Errorf("it ended with %d and %q and sent %+v", got.code, got.err, sent)
	}
}

func TestCommits_AreShownWhereServicesAreBuiltFromThem(t *testing.T) {
	p := newPlatform(t, "web-app")
	p.services[0].SourceConfiguration = &api.SourceConfiguration{CodeRepository: &api.CodeRepository{
		RepositoryUrl: "https://github.com/team/web", SourceCodeVersion: &api.SourceCodeVersion{Value: "main"},
	}}
	p.subject = "Say hello to everybody who comes by, and to all of the others"
	p.run("deploy", "web-app")
	p.setFate(fate{status: api.OperationFailed, service: api.StatusRunning}) // a failure's commit is what one looks for
	p.run("deploy", "web-app")
	const commit = `1234567 Say hello to everybody who comes by, and …`
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"show", "web-app"}, `(?m)^Source: +https://github.com/team/web main
Commit: +` + commit + `$`},
		{[]string{"ops", "web-app"}, `(?m)^ID +TYPE +STATUS +STARTED +TOOK +COMMIT
0+2 .* FAILED .* ` + commit + `
0+1 .* SUCCEEDED .* ` + commit + `$`},
		{[]string{"rollback", "web-app", "--list"}, `(?m)^0+1 +START_DEPLOYMENT +\d+s ago +` + commit + ` +sha256:0123456789ab$`},
	} {
		if got := p.run(c.args...); got.code != 0 || !regexp.MustCompile(c.want).MatchString(got.out) {
			t.Errorf("%s prints\n%s%s\nwant\n%s", c.args, got.out, got.err, c.want)
		}
	}
}

func TestOps_ShowsOneWithItsSteps(t *testing.T) {
	p := newPlatform(t, "web-app")
	p.subject = "Say hello"
	p.setFate(fate{status: api.OperationFailed, service: api.StatusRunning, reason: "No instance was healthy."})
	p.run("deploy", "web-app")
	p.operations[0].Steps = []api.OperationStep{
		{Name: "build", Status: api.OperationStepSucceeded, Milliseconds: new(1500), Phases: []api.OperationPhase{{Name: "fetch", Milliseconds: 120}}},
		{Name: "provision", Status: api.OperationStepPending},
	}
	const want = `Commit 1234567 Say hello
No instance was healthy.
STEP       STATUS     TOOK
build      SUCCEEDED  1.5s
  fetch               120ms
provision  PENDING
`
	if got := p.run("ops", "web-app", p.operations[0].Id); got.code != 0 || got.out != want {
		t.Errorf("it ended with %d and printed\n%s%s\nwant\n%s", got.code, got.out, got.err, want)
	}
	if got := p.run("ops", "web-app", "9"); got.code != 1 || !strings.Contains(got.err, "There is no operation 9.") {
		t.Errorf("of no such operation: %d, %q", got.code, got.err)
	}
}

func TestCancel_SucceedsWhenTheOperationDoesNot(t *testing.T) {
	for _, c := range []struct {
		fate fate
		code int
		says string
	}{
		{fate{status: api.OperationRollbackSucceeded, service: api.StatusRunning}, 0, "operation 00000000000000000000000000000001 is cancelled; web-app is RUNNING"},
		{fate{status: api.OperationFailed, service: api.StatusRunning}, 0, "is cancelled; web-app is RUNNING"},
		{fate{status: api.OperationSucceeded, service: api.StatusPaused}, 1, "had succeeded before it could be cancelled"},
		{fate{status: api.OperationRollbackFailed, service: api.StatusRunning, reason: "Disk full."}, 1, "not all could be undone: Disk full."},
	} {
		p := newPlatform(t, "web-app")
		p.setFate(c.fate)
		p.begin(p.services[0], api.OperationUpdateService, c.fate.service)
		if got := p.run("cancel", "web-app"); got.code != c.code || !strings.Contains(got.out+got.err, c.says) {
			t.Errorf("%s: ended with %d and %q, want %d and %q", c.fate.status, got.code, got.out+got.err, c.code, c.says)
		}
	}
}

func TestWait(t *testing.T) {
	for _, c := range []struct {
		args string
		fate fate
		code int
		says string
	}{
		{"wait web-app running", fate{status: api.OperationSucceeded}, 0, "web-app is RUNNING at http://web-app.us-east-1.apron.localhost:8080\n"},
		{"wait web-app running", fate{status: api.OperationRollbackSucceeded, reason: "Broken."}, 3, "web-app is RUNNING because its last operation failed and was rolled back: Broken."},
		{"wait web-app paused --timeout 50ms", fate{status: api.OperationSucceeded}, 4, "web-app is not paused yet, it is "},
		{"wait gone-app deleted", fate{}, 0, "no service named gone-app is left"},
		{"wait operation 00000000000000000000000000000001", fate{status: api.OperationSucceeded}, 0, "operation 00000000000000000000000000000001 of web-app is SUCCEEDED"},
		{"wait operation 00000000000000000000000000000001 --service web-app", fate{status: api.OperationFailed, reason: "Broken."}, 1, "failed: Broken."},
		{"wait operation 00000000000000000000000000000009 --service web-app --json", fate{}, 1, "There is no operation 00000000000000000000000000000009."},
		{"wait operation 00000000000000000000000000000009", fate{}, 1, "no service here has an operation 00000000000000000000000000000009"},
	} {
		p := newPlatform(t, "idle-app", "web-app")
		c.fate.service = api.StatusRunning
		p.setFate(c.fate)
		p.begin(p.services[1], api.OperationUpdateService, api.StatusRunning)
		if got := p.run(strings.Fields(c.args)...); got.code != c.code || !strings.Contains(got.out+got.err, c.says) {
			t.Errorf("%s: ended with %d and %q, want %d and %q", c.args, got.code, got.out+got.err, c.code, c.says)
		}
	}
}

// TestConnect_NeverGuessesAServer: what is configured is used, then what runs here; and never AWS by accident.
func TestConnect_NeverGuessesAServer(t *testing.T) {
	got := run(t, "", "ps")
	if got.code != 1 || !strings.Contains(got.err, "apron: no endpoint is configured, and there is no server on this machine: no apron serves from /data; start one with") {
		t.Errorf("without a server it ended with %d and %q", got.code, got.err)
	}
	p := newPlatform(t, "web-app")
	if got := run(t, "http://127.0.0.1:1", "ps", "--endpoint-url", p.url); got.code == 0 {
		t.Error("the local server's key was sent to another endpoint")
	}
	if got := p.run("ps", "--endpoint-url", "http://127.0.0.1:1", "--data", "/data"); got.code != 0 {
		t.Errorf("--data was not believed: %q", got.err)
	}
	if got := run(t, "", "ps", "--endpoint-url", p.url); !strings.Contains(got.err, "no access key is configured for "+p.url) {
		t.Errorf("without a key it says %q", got.err)
	}
}

func TestConnect_SaysWhereNobodyAnswers(t *testing.T) {
	got := run(t, "http://127.0.0.1:1", "pause", "web-app")
	if got.code != 1 || !strings.Contains(got.err, `"http://127.0.0.1:1/"; is the server running there?`) {
		t.Errorf("it ended with %d and %q", got.code, got.err)
	}
}

// TestConnect_ReadsProfiles as the AWS CLI does; a region that nobody names is the one that `apron env` names.
func TestConnect_ReadsProfiles(t *testing.T) {
	p := newPlatform(t, "web-app")
	dir := t.TempDir()
	config := "[profile here]\nservices = local\n[services local]\napprunner =\n  endpoint_url = " + p.url + "\n"
	credentials := "[here]\naws_access_key_id = " + keyID + "\naws_secret_access_key = " + secret + "\n"
	for file, text := range map[string]string{"config": config, "credentials": credentials} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configured = map[string]string{"AWS_CONFIG_FILE": filepath.Join(dir, "config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "credentials")}
	defer func() { configured = nil }()
	if got := run(t, "", "ps", "--profile", "here"); got.code != 0 || !strings.Contains(got.out, "web-app") {
		t.Errorf("with a profile it ended with %d and %q", got.code, got.err)
	}
	if got := run(t, "", "ps", "--profile", "there"); got.err != "apron: The config profile (there) could not be found\n" {
		t.Errorf("without the profile it says %q", got.err)
	}
}

func TestLogs_FallBackOnTheFiles(t *testing.T) {
	p := newPlatform(t, "web-app")
	p.setFate(fate{lines: []string{"listening"}})
	if got := p.run("logs", "web-app"); got.out != "listening\n" {
		t.Errorf("from the server: %+v", got)
	}
	if got := p.run("logs", "web-app", "-n", "0"); got.out != "" || got.code != 0 {
		t.Errorf("no line: %+v", got)
	}
	if got := p.run("logs", "old-app"); got.out != "stored old-app\n" {
		t.Errorf("of a deleted service: %+v", got)
	}
	for _, url := range []string{"", "http://127.0.0.1:1"} {
		if got := run(t, url, "logs", "web-app"); got.out != "stored web-app\n" {
			t.Errorf("without a server: %+v", got)
		}
	}
	if got := p.run("logs", "web-app", "--events", "--deployment"); got.code != 2 {
		t.Errorf("two logs at once: %+v", got)
	}
}

// TestCompletion_IsSilentWithoutAServer: what it prints ends up in somebody's command line.
func TestCompletion_IsSilentWithoutAServer(t *testing.T) {
	p := newPlatform(t, "web-app", "web-api", "billing")
	if got := p.run("__complete", "pause", "web"); got.out != "web-app\tRUNNING\nweb-api\tRUNNING\n:4\n" {
		t.Errorf("it offers %q", got.out)
	}
	for _, url := range []string{"", "http://127.0.0.1:1"} {
		if got := run(t, url, "__complete", "pause", ""); got.out != ":4\n" {
			t.Errorf("without a server it offers %q", got.out)
		}
	}
}
