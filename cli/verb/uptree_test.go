package verb_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apron/api"
	"apron/gitserver"
)

// withGit puts the platform's real git repositories beside its API.
func (p *platform) withGit() *gitserver.Server {
	p.Helper()
	server := httptest.NewUnstartedServer(nil)
	host := server.Listener.Addr().String()
	git, err := gitserver.New(gitserver.Config{
		Dir: p.TempDir(), Log: slog.New(slog.DiscardHandler), URL: "http://" + host, Hosts: []string{host},
		Login: func(_ context.Context, user, password string) (gitserver.Access, bool, error) {
			return gitserver.Access{Account: account}, user == keyID && password == secret, nil
		},
	})
	if err != nil {
		p.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", p.handler)
	mux.Handle("/git/", git)
	server.Config.Handler = mux
	server.Start()
	p.Cleanup(server.Close)
	p.url = server.URL
	return git
}

// project makes a directory of that name with files, and works in it.
func project(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

const someConfig = "version: 1.0\nruntime: python311\nrun:\n  command: python3 app.py\n"

func sentCode(t *testing.T, p *platform, action string) *api.CodeRepository {
	t.Helper()
	var source *api.SourceConfiguration
	switch in := p.sent[action].(type) {
	case *api.CreateServiceRequest:
		source = in.SourceConfiguration
	case *api.UpdateServiceRequest:
		source = in.SourceConfiguration
	}
	if source == nil || source.CodeRepository == nil {
		t.Fatalf("%s sent no CodeRepository", action)
	}
	return source.CodeRepository
}

func TestUp_DirectoryBecomesAService(t *testing.T) {
	p := newPlatform(t)
	git := p.withGit()
	p.fate = fate{status: api.OperationSucceeded, lines: []string{"[Build] Collecting flask", "[AppRunner] done"}}
	project(t, "shop", map[string]string{"apprunner.yaml": someConfig, "app.py": "print(1)", "x.log": "", ".gitignore": "*.log"})
	got := p.run("up")
	if got.code != 0 || got.out != "shop is RUNNING at http://shop.us-east-1.apron.localhost:8080\n" {
		t.Fatalf("it ended with %d and %q\n%s", got.code, got.out, got.err)
	}
	if want := "sending 3 files, 76 bytes\n"; !strings.HasPrefix(got.err, want) || strings.Count(got.err, "sending") != 1 || !strings.Contains(got.err, "[Build] Collecting flask\n[AppRunner] done\n") {
		t.Errorf("stderr is %q, want %q and the build's log", got.err, want)
	}
	code := sentCode(t, p, "CreateService")
	if code.RepositoryUrl != p.url+"/git/shop" || code.SourceCodeVersion.Value != "main" || code.CodeConfiguration.ConfigurationSource != api.ConfigurationSourceRepository {
		t.Errorf("it sent %+v", code)
	}
	if head, err := git.Head(account, "shop", "main"); err != nil || head == "" {
		t.Errorf("main is %q, %v", head, err)
	}
}

func TestUp_DeploysWhereOnlyTheSourceHasChanged(t *testing.T) {
	p := newPlatform(t)
	git := p.withGit()
	dir := project(t, "shop", map[string]string{"apprunner.yaml": someConfig, "app.py": "print(1)"})
	if got := p.run("up"); got.code != 0 {
		t.Fatal(got.err)
	}
	first, _ := git.Head(account, "shop", "main")
	p.commit = first
	if got := p.run("up"); got.code != 0 || !strings.Contains(got.err, "nothing has changed since the last deployment; `apron deploy shop` repeats it") || p.asked["StartDeployment"] != 0 {
		t.Errorf("once more: %d, %q, %q", got.code, got.out, got.err)
	}
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte("print(2)"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := p.run("up")
	if second, _ := git.Head(account, "shop", "main"); got.code != 0 || second == first || p.asked["StartDeployment"] != 1 || p.asked["UpdateService"] != 0 {
		t.Errorf("with another file: %d, %q; deployments %d, updates %d", got.code, got.err, p.asked["StartDeployment"], p.asked["UpdateService"])
	}
	p.commit = "an older one"
	if got := p.run("up"); got.code != 0 || p.asked["StartDeployment"] != 2 {
		t.Errorf("where the last deployment was of another commit: %q; deployments %d", got.err, p.asked["StartDeployment"])
	}
}

// TestUp_TakesADirectoryByItsName, which an image could have as well.
func TestUp_TakesADirectoryByItsName(t *testing.T) {
	p := newPlatform(t)
	p.withGit()
	dir := project(t, "shop", map[string]string{"apprunner.yaml": someConfig})
	t.Chdir(filepath.Dir(dir))
	if got := p.run("up", "shop"); got.code != 0 || sentCode(t, p, "CreateService") == nil || !strings.HasPrefix(got.err, "sending 1 file, ") {
		t.Errorf("it ended with %d, %q", got.code, got.err)
	}
}

// TestUp_TriesAgainAfterAFailedCreate: a first build fails as often as not, and who has mended it does the same once more.
func TestUp_TriesAgainAfterAFailedCreate(t *testing.T) {
	p := newPlatform(t)
	p.withGit()
	project(t, "shop", map[string]string{"apprunner.yaml": someConfig})
	p.setFate(fate{status: api.OperationFailed, service: api.StatusCreateFailed, reason: "The build command `make` failed."})
	if got := p.run("up"); got.code != 1 {
		t.Fatalf("it ended with %d, %q", got.code, got.err)
	}
	if got := p.run("deploy", "shop"); got.code != 1 || !strings.Contains(got.err, "It could not be created: `apron show shop` says why") {
		t.Errorf("deploy: ended with %d, %q", got.code, got.err)
	}
	p.setFate(fate{status: api.OperationSucceeded})
	if got := p.run("up"); got.code != 0 || p.asked["UpdateService"] != 1 {
		t.Errorf("up: ended with %d, %q; updates %d", got.code, got.err, p.asked["UpdateService"])
	}
}

// TestUp_FollowsTheDeploymentThatBeganByItself: the platform may notice what was sent before it is asked to deploy it.
func TestUp_FollowsTheDeploymentThatBeganByItself(t *testing.T) {
	for after, code := range map[time.Duration]int{time.Second: 0, -time.Minute: 1} {
		p := newPlatform(t)
		p.withGit()
		dir := project(t, "shop", map[string]string{"apprunner.yaml": someConfig})
		if got := p.run("up"); got.code != 0 {
			t.Fatal(got.err)
		}
		if err := os.WriteFile(filepath.Join(dir, "app.py"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		p.first = time.Now().Add(after)
		if got := p.run("up"); got.code != code || code != 0 && !strings.Contains(got.err, "`apron ops shop` shows what is under way") {
			t.Errorf("with one of %v after the upload: ended with %d, %q, %q", after, got.code, got.out, got.err)
		}
	}
}

func TestUp_FlagsStayUntilOthersAreGiven(t *testing.T) {
	p := newPlatform(t)
	p.withGit()
	dir := project(t, "shop", map[string]string{"app.py": "print(1)"})
	got := p.run("up", ".", "--runtime", "python311", "--build", "make", "--start", "python3 app.py", "--port", "8000", "--env", "A=1")
	if got.code != 0 {
		t.Fatal(got.err)
	}
	v := sentCode(t, p, "CreateService").CodeConfiguration.CodeConfigurationValues
	if v.Runtime != api.RuntimePython311 || *v.BuildCommand != "make" || *v.StartCommand != "python3 app.py" || *v.Port != "8000" || v.RuntimeEnvironmentVariables["A"] != "1" {
		t.Errorf("it created %+v", v)
	}
	if got := p.run("up", dir, "--name", "shop", "--env", "B=2"); got.code != 0 {
		t.Fatal(got.err)
	}
	v = sentCode(t, p, "UpdateService").CodeConfiguration.CodeConfigurationValues
	if v.Runtime != api.RuntimePython311 || *v.StartCommand != "python3 app.py" || fmt.Sprint(v.RuntimeEnvironmentVariables) != "map[A:1 B:2]" {
		t.Errorf("it updated to %+v", v)
	}
	if err := os.WriteFile("apprunner.yaml", []byte(someConfig), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := p.run("up"); got.code != 0 || sentCode(t, p, "UpdateService").CodeConfiguration.ConfigurationSource != api.ConfigurationSourceRepository {
		t.Errorf("with an apprunner.yaml: %q, %+v", got.err, sentCode(t, p, "UpdateService").CodeConfiguration)
	}
	if got := p.run("up", "--port", "1"); got.code != 2 || !strings.Contains(got.err, "apprunner.yaml says the port and the variables") {
		t.Errorf("a port beside the file: %d, %q", got.code, got.err)
	}
}

func TestUp_ProposesHowToBuild(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  string
	}{
		{map[string]string{"notes": ""}, "does not say how it is built and started; write an apprunner.yaml, or give --runtime and --start"},
		{map[string]string{"go.mod": "module x"}, "going by its go.mod, this may do: apron up DIR --runtime go1 --build 'go build -o server .' --start ./server"},
		{map[string]string{"package.json": `{"scripts": {"start": "node x.js", "build": "tsc"}}`, "package-lock.json": "{}"}, "--runtime nodejs22 --build 'npm ci && npm run build' --start 'npm start'"},
		{map[string]string{"package.json": `{"main": "lib/x.js"}`}, "--runtime nodejs22 --build 'npm install' --start 'node lib/x.js'"},
		{map[string]string{"requirements.txt": "flask", "main.py": ""}, "--start '.venv/bin/python main.py'"},
		{map[string]string{"requirements.txt": "flask", "Procfile": "web: .venv/bin/gunicorn 'shop:app'\n"}, `--start '.venv/bin/gunicorn '\''shop:app'\'''`},
		{map[string]string{"app.py": ""}, "going by its app.py, this may do: apron up DIR --runtime python311 --start 'python3 app.py'"},
	} {
		p := newPlatform(t)
		p.withGit()
		dir := project(t, "shop", c.files)
		got := p.run("up")
		if want := strings.ReplaceAll(c.want, "DIR", dir); got.code != 2 || !strings.Contains(got.err, want) || p.asked["CreateService"] != 0 {
			t.Errorf("%v: ended with %d and %q, want %q", c.files, got.code, got.err, want)
		}
	}
}

func TestUp_RefusesBeforeAnythingIsSent(t *testing.T) {
	p := newPlatform(t, "image-app")
	git := p.withGit()
	elsewhere := p.add("else-app", api.StatusRunning)
	elsewhere.SourceConfiguration = &api.SourceConfiguration{CodeRepository: &api.CodeRepository{
		RepositoryUrl: "https://github.com/team/web", SourceCodeVersion: &api.SourceCodeVersion{Type: api.SourceCodeVersionBranch, Value: "main"}}}
	dir := project(t, "shop", map[string]string{"apprunner.yaml": someConfig})
	for args, want := range map[string]string{
		"up --name image-app":           "image-app is deployed from an image and can't be changed to source; give the directory another --name",
		"up --name else-app":            "else-app is built from https://github.com/team/web: push there, or give the directory another --name",
		"up --runtime python --start x": `--runtime "python" is not of the form python311`,
		"up --runtime ruby33 --start x": "the API has no runtime RUBY_33, but an apprunner.yaml with `runtime: ruby33` can name any that `apron runtime ls` shows",
		"up web:1 --start x":            "are for directories with source",
		"up --name x":                   "can't be a service's name",
	} {
		if got := p.run(strings.Fields(args)...); got.code == 0 || !strings.Contains(got.err, want) {
			t.Errorf("%s: ended with %d and %q, want %q", args, got.code, got.err, want)
		}
	}
	if err := os.Symlink("/etc/shadow", filepath.Join(dir, "shadow")); err != nil {
		t.Fatal(err)
	}
	if got := p.run("up"); got.code != 1 || !strings.Contains(got.err, "shadow is a link to /etc/shadow, which is outside of "+dir) {
		t.Errorf("a link that leads out: %d, %q", got.code, got.err)
	}
	for _, name := range []string{"shop", "image-app", "else-app"} {
		if head, err := git.Head(account, name, "main"); err != nil || head != "" {
			t.Errorf("something was sent to %s: %q, %v", name, head, err)
		}
	}
}

// TestUp_ServersThatTakeNoSource also holds that the sender ends where the server answers before it has read all.
func TestUp_ServersThatTakeNoSource(t *testing.T) {
	for status, want := range map[int]string{
		http.StatusForbidden: "the server does not take the source: keys that read", http.StatusOK: "answers with no JSON",
	} {
		p := newPlatform(t)
		mux := http.NewServeMux()
		mux.Handle("/", p.handler)
		mux.HandleFunc("PUT /git/", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, "keys that read")
		})
		server := httptest.NewServer(mux)
		defer server.Close()
		p.url = server.URL
		project(t, "shop", map[string]string{"apprunner.yaml": someConfig, "big": strings.Repeat("0123456789", 1<<20)})
		if got := p.run("up"); got.code != 1 || !strings.Contains(got.err, want) {
			t.Errorf("ended with %d and %q, want %q", got.code, got.err, want)
		}
	}
}

func TestRemote(t *testing.T) {
	p := newPlatform(t, "image-app")
	git := p.withGit()
	project(t, "shop", map[string]string{"app.py": ""})
	got := p.run("remote")
	if got.code != 0 || got.out != p.url+"/git/shop\n" || !strings.Contains(got.err, "git remote add apron "+p.url+"/git/shop\n") || !strings.Contains(got.err, " git-credential'\n") || !strings.Contains(got.err, "give it --force") {
		t.Errorf("it printed %q and %q", got.out, got.err)
	}
	if got := p.run("remote", "image-app"); got.code != 1 || !strings.Contains(got.err, "deployed from an image") {
		t.Errorf("of an image: %d, %q", got.code, got.err)
	}
	if got := p.run("remote", "--add"); got.code != 1 || !strings.Contains(got.err, "not a git repository") {
		t.Errorf("without a repository: %d, %q", got.code, got.err)
	}
	gitHere := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_TERMINAL_PROMPT=0")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	gitHere("init", "-q", "-b", "main")
	if got := p.run("remote", "shop", "--add", "--region", "eu-west-1"); got.code != 0 || got.out != "`git push apron main` pushes to "+p.url+"/git/shop\n" || !strings.Contains(got.err, "give it --force") {
		t.Errorf("--add: %d, %q, %q", got.code, got.out, got.err)
	}
	helper := gitHere("config", "credential."+p.url+".helper")
	if !strings.HasPrefix(helper, "!") || !strings.HasSuffix(helper, " git-credential --region eu-west-1") {
		t.Errorf("the helper is %q", helper)
	}
	// The program under test is not on the disk; what it says to git is tested below, and said by a script here.
	script := filepath.Join(t.TempDir(), "helper")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho username="+keyID+"\necho password="+secret+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	gitHere("config", "credential."+p.url+".helper", script)
	gitHere("add", "-A")
	gitHere("commit", "-q", "-m", "x")
	gitHere("push", "-q", "apron", "main")
	if head, err := git.Head(account, "shop", "main"); err != nil || head != gitHere("rev-parse", "HEAD") {
		t.Errorf("main is %q, %v", head, err)
	}
}

func TestGitCredential_TellsTheKeyOfItsServerAlone(t *testing.T) {
	p := newPlatform(t)
	host := strings.TrimPrefix(p.url, "http://")
	for asked, want := range map[string]string{
		"protocol=http\nhost=" + host + "\n\n":                 "username=" + keyID + "\npassword=" + secret + "\n",
		"protocol=https\nhost=" + host + "\n\n":                "",
		"protocol=http\nhost=github.com\n":                     "",
		"protocol=http\nhost=" + host + ".example.com\npath=x": "",
	} {
		if got := p.typed(asked, "git-credential", "get"); got.code != 0 || got.out != want {
			t.Errorf("asked %q it prints %q, want %q\n%s", asked, got.out, want, got.err)
		}
		for _, verb := range []string{"store", "erase"} {
			if got := p.typed(asked, "git-credential", verb); got.code != 0 || got.out != "" {
				t.Errorf("%s prints %q, %q", verb, got.out, got.err)
			}
		}
	}
}
