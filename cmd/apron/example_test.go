package main_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/api"
	"apron/aprontest"
)

// exampleLimit is for one operation of an example: a build with a real compiler, on a machine that has other things to do.
const exampleLimit = 5 * time.Minute

// newExample starts a platform that has the runtime's base of Debian packages, and a git server with the example.
func newExample(t *testing.T, name, runtime string, args ...string) *sourceWorld {
	t.Helper()
	repo, err := aprontest.NewRepository(t.Context(), t.TempDir())
	if err == nil {
		err = os.CopyFS(repo.Dir, os.DirFS("../../examples/"+name))
	}
	if err != nil {
		t.Fatal(err)
	}
	git := newGitHost(t, "")
	git.dir.Store(filepath.Dir(repo.Bare))
	w := &sourceWorld{
		repo: repo, git: git.URL + "/web.git", args: append(args, "--loopback-hosts", "127.0.0.1"),
		world: &world{T: t, data: filepath.Join(t.TempDir(), "data"), patience: exampleLimit},
	}
	w.startServer("SSL_CERT_FILE=" + git.certificate)
	t.Cleanup(w.stop)
	if _, err := repo.PushAll(t.Context(), "Begin"); err != nil {
		t.Fatal(err)
	}
	w.hasBase(runtime)
	return w
}

func (w *sourceWorld) hasBase(runtime string) {
	w.Helper()
	began := time.Now()
	base, err := w.platform.PushBase(w.Context(), runtime)
	if err != nil {
		w.Fatal(err)
	}
	w.Logf("%s was made, unless an earlier test had, and pushed in %v", base, time.Since(began).Round(time.Millisecond))
}

// change is a file of the example with one thing replaced by another, which has to be there.
func (w *sourceWorld) change(file, old, new string) map[string]string {
	w.Helper()
	text, err := os.ReadFile(filepath.Join(w.repo.Dir, file))
	if err != nil {
		w.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		w.Fatalf("%s has no %q:\n%s", file, old, text)
	}
	return map[string]string{file: strings.Replace(string(text), old, new, 1)}
}

// says wants what the service answers to match.
func (w *world) says(path, pattern string) {
	w.Helper()
	status, body, err := w.get(path)
	if err != nil || status != http.StatusOK || !regexp.MustCompile("^(?:"+pattern+")\n$").MatchString(body) {
		w.Errorf("GET %s%s = %d %q, %v; want %s\n%s", w.url, path, status, body, err, pattern, w.platform.Log())
	}
}

// tookOf logs where the time of the newest build went.
func (w *world) tookOf(what string) {
	w.Helper()
	found := regexp.MustCompile(`source built.*phases="?([^"\n]*)`).FindAllStringSubmatch(w.platform.Log(), -1)
	if len(found) == 0 {
		w.Fatalf("the server's log tells of no build:\n%s", w.platform.Log())
	}
	w.Logf("%s: %s", what, found[len(found)-1][1])
}

// index serves files to builds, by their paths, and knows what was asked for.
type index struct {
	address string // as builds see it
	asked   chan string
}

// newIndex begins to serve; the service has to be running, for builds to have a way here.
func (w *world) newIndex(files map[string]string) *index {
	w.Helper()
	gateway, err := w.platform.Gateway()
	if err != nil {
		w.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(gateway.String(), "0"))
	if err != nil {
		w.Fatal(err)
	}
	x := &index{l.Addr().String(), make(chan string, 100)}
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		x.asked <- req.URL.Path
		text, ok := files[req.URL.Path]
		if !ok {
			http.NotFound(rw, req)
			return
		}
		if strings.HasSuffix(req.URL.Path, "/") {
			rw.Header().Set("Content-Type", "text/html")
		}
		_, _ = rw.Write([]byte(text))
	})}
	go server.Serve(l)
	w.Cleanup(func() { server.Close() })
	return x
}

// wasAsked wants the path to have been asked for.
func (x *index) wasAsked(t *testing.T, path string) {
	t.Helper()
	var asked []string
	for len(x.asked) > 0 {
		asked = append(asked, <-x.asked)
		if asked[len(asked)-1] == path {
			return
		}
	}
	t.Errorf("the index was asked for %v, not for %s", asked, path)
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// repacked is the package compressed in another way, which npm has not in its cache, and what a lock file says of it.
func repacked(t *testing.T, path string) (text, integrity string) {
	t.Helper()
	plain, err := gzip.NewReader(strings.NewReader(contents(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	packed := gzip.NewWriter(&b)
	packed.Name = "repacked"
	if _, err = io.Copy(packed, plain); err == nil {
		err = packed.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(b.Bytes())
	return b.String(), "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

const moon = "(?:new moon|(?:waxing|waning) (?:crescent|gibbous)|first quarter|last quarter|full moon)"

// TestExample_Python is built by pip, of the wheel beside it and then of one that an index has, and deploys by webhook.
func TestExample_Python(t *testing.T) {
	t.Parallel()
	w := newExample(t, "python", "python311", never)
	w.bring("running")
	w.tookOf("python, nothing cached")
	w.says("/", moon)
	w.builtTheSameForAnother()

	const wheel = "moonphase-1.0-py3-none-any.whl"
	index := w.newIndex(map[string]string{
		"/simple/moonphase/": `<!DOCTYPE html><a href="/` + wheel + `">` + wheel + `</a>`,
		"/" + wheel:          contents(t, filepath.Join(w.repo.Dir, "wheels", wheel)),
	})
	host, _, _ := net.SplitHostPort(index.address)
	files := w.change("apprunner.yaml", "--no-index --find-links wheels", "--index-url http://"+index.address+"/simple --trusted-host "+host)
	maps.Copy(files, w.change("app.py", "body = ", `body = b"Tonight: " + `))
	w.push("Say what it is about", files)
	if status, answer := w.hook(pushToMain, rightly); status != http.StatusAccepted {
		t.Fatalf("the webhook is answered %d %s", status, answer)
	}
	w.eventually("Tonight: ")
	w.tookOf("python, caches warm")
	w.says("/", "Tonight: "+moon)
	w.wantOperations("START_DEPLOYMENT CREATE_SERVICE")
	index.wasAsked(t, "/"+wheel)
}

// builtTheSameForAnother makes a second service of the same commit, which has neither caches nor images of the first, and wants the
// same image for it.
func (w *sourceWorld) builtTheSameForAnother() {
	w.Helper()
	first := w.image()
	other := new(*w.world)
	other.do(createNamed("other", &types.SourceConfiguration{CodeRepository: code(w.git)}))
	if second := other.image(); second != first {
		w.Errorf("the same commit made the image %s, and %s for another service", first, second)
	}
	other.do(remove)
}

// image is the digest of the image that runs.
func (w *world) image() string {
	w.Helper()
	var list api.ListDeploymentsResponse
	if err := w.own("ListDeployments", &list); err != nil {
		w.Fatal(err)
	}
	if len(list.DeploymentSummaryList) == 0 || list.DeploymentSummaryList[0].ImageDigest == "" {
		w.Fatalf("the deployments are %+v", list)
	}
	return list.DeploymentSummaryList[0].ImageDigest
}

// TestExample_Node is built by npm, of the package beside it and then of one that a registry has, and deploys by polling. What is
// pushed while it is paused is deployed by StartDeployment and not by the resume.
func TestExample_Node(t *testing.T) {
	t.Parallel()
	w := newExample(t, "node", "nodejs18", "--poll-interval=500ms")
	w.bring("running")
	w.tookOf("node, nothing cached")
	w.says("/3d6", `([1-6] \+ ){2}[1-6] = \d+`)
	w.builtTheSameForAnother()

	const pack = "/dice/-/dice-1.0.0.tgz"
	text, integrity := repacked(t, filepath.Join(w.repo.Dir, "vendor", "dice-1.0.0.tgz"))
	index := w.newIndex(map[string]string{pack: text})
	files := w.change("package.json", "file:vendor/dice-1.0.0.tgz", "1.0.0")
	lock := w.change("package-lock.json", `"dice": "file:vendor/dice-1.0.0.tgz"`, `"dice": "1.0.0"`)["package-lock.json"]
	lock = strings.Replace(lock, "file:vendor/dice-1.0.0.tgz", "http://"+index.address+pack, 1)
	files["package-lock.json"] = regexp.MustCompile(`sha512-[^"]+`).ReplaceAllString(lock, integrity)
	maps.Copy(files, w.change("apprunner.yaml", "npm ci --offline", "npm ci --registry=http://"+index.address))
	maps.Copy(files, w.change("server.js", "`${thrown.join", "`Thrown: ${thrown.join"))
	w.push("Say what it is", files)
	w.eventually("Thrown: ")
	w.tookOf("node, caches warm")
	w.wantOperations("START_DEPLOYMENT CREATE_SERVICE")
	index.wasAsked(t, pack)

	w.do(pause)
	w.holds(types.ServiceStatusPaused)
	paused := w.push("Say it otherwise", w.change("server.js", "Thrown: ", "The dice: "))
	w.do(resume)
	w.awaitSeen(paused)
	w.says("/3d6", `Thrown: ([1-6] \+ ){2}[1-6] = \d+`)
	w.do(deploy)
	w.says("/3d6", `The dice: ([1-6] \+ ){2}[1-6] = \d+`)
	w.wantOperations("START_DEPLOYMENT RESUME_SERVICE PAUSE_SERVICE START_DEPLOYMENT CREATE_SERVICE")
}

// TestExample_Go is a module with another one, and deploys by a push to the platform itself.
func TestExample_Go(t *testing.T) {
	t.Parallel()
	w := newExample(t, "go", "go1", never)
	home := t.TempDir()
	push := func() string {
		t.Helper()
		cmd := workingTree{w.world, w.repo.Dir}.command("push", "apron", "main")
		cmd.Env = append(cmd.Env, w.onThisMachine(home)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git push apron main: %v\n%s", err, out)
		}
		return string(out)
	}
	if out, err := w.apron(w.repo.Dir, "remote", "web-app", "--add"); err != nil {
		t.Fatalf("apron remote web-app --add: %v\n%s", err, out)
	}
	if out := push(); !strings.Contains(out, "No service uses web-app yet") {
		t.Errorf("the first push says\n%s", out)
	}
	w.do(w.createFrom(w.platform.APIURL() + "/git/web-app"))
	w.tookOf("go, nothing cached")
	w.says("/1987", "MCMLXXXVII")
	w.says("/", "M[MDCLXVI]+")

	commit := w.push("Say what it is", w.change("main.go", "fmt.Fprintln(w, numeral)", `fmt.Fprintln(w, path, "is", numeral)`))
	if out := push(); !strings.Contains(out, "Commit "+commit[:7]+" goes to web-app") {
		t.Errorf("the second push says\n%s", out)
	}
	w.eventually(strconv.Itoa(time.Now().Year()) + " is M")
	w.tookOf("go, caches warm")
	w.says("/1987", "1987 is MCMLXXXVII")
	w.wantOperations("START_DEPLOYMENT CREATE_SERVICE")
}
