package cli_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"apron/cli"
)

const arn = "arn:aws:apprunner:us-east-1:123456789012:service/web/8fe1e10304f84fd2b0df550fe98a71fa"

// server answers each action as the test says and keeps what was asked, as "TARGET BODY".
type server struct {
	*httptest.Server
	mu      sync.Mutex
	asked   []string
	answers map[string]string // by target; "400 BODY" is a refusal
}

func serve(t testing.TB, answers map[string]string) *server {
	t.Helper()
	s := &server{answers: answers}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	target := r.Header.Get("X-Amz-Target")
	s.mu.Lock()
	s.asked = append(s.asked, target+" "+string(body))
	s.mu.Unlock()
	answer, refused := strings.CutPrefix(s.answers[target], "400 ")
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if refused {
		w.WriteHeader(http.StatusBadRequest)
	}
	io.WriteString(w, answer)
}

// line is a command line with its home directory and variables.
type line struct {
	home string
	env  map[string]string
}

func newLine(t testing.TB, s *server) *line {
	t.Helper()
	l := &line{home: t.TempDir(), env: map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secretEXAMPLE", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_EC2_METADATA_DISABLED": "true",
	}}
	l.env["HOME"] = l.home
	if s != nil {
		l.env["AWS_ENDPOINT_URL_APPRUNNER"] = s.URL
	}
	return l
}

func (l *line) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(l.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (l *line) lookup(name string) (string, bool) { v, ok := l.env[name]; return v, ok }

func (l *line) environ() (list []string) {
	for k, v := range l.env {
		list = append(list, k+"="+v)
	}
	return list
}

// run runs the words and returns the exit code and both outputs.
func (l *line) run(t *testing.T, words ...string) (code int, stdout, stderr string) {
	t.Helper()
	files := map[string]*os.File{}
	for _, name := range []string{"in", "out", "err"} {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[name] = f
	}
	p := cli.Program{
		Args: words, LookupEnv: l.lookup, Environ: l.environ, Stdin: files["in"], Stdout: files["out"], Stderr: files["err"], Version: "test",
	}
	code = p.Run(t.Context())
	return code, content(t, files["out"]), content(t, files["err"])
}

func content(t *testing.T, f *os.File) string {
	t.Helper()
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const paused = `{"OperationId":"o-1","Service":{"ServiceName":"web","Status":"OPERATION_IN_PROGRESS"}}`

func TestRun_CallsAndShows(t *testing.T) {
	s := serve(t, map[string]string{"AppRunner.PauseService": paused})
	code, stdout, stderr := newLine(t, s).run(t, "apprunner", "pause-service", "--service-arn", arn, "--query", "[Service.Status,OperationId]", "--output", "text")
	if code != 0 || stdout != "OPERATION_IN_PROGRESS\to-1\n" || stderr != "" {
		t.Errorf("%d, %q, %q", code, stdout, stderr)
	}
	if want := fmt.Sprintf(`AppRunner.PauseService {"ServiceArn": %q}`, arn); len(s.asked) != 1 || s.asked[0] != want {
		t.Errorf("asked %q, want %s", s.asked, want)
	}
}

// TestRun_CallsActionsOfItsOwn: apron's API is a service beside AWS's, and no error lists it.
func TestRun_CallsActionsOfItsOwn(t *testing.T) {
	s := serve(t, map[string]string{"Apron.ListDeployments": `{"DeploymentSummaryList":[]}`})
	l := newLine(t, s)
	if code, stdout, stderr := l.run(t, "apron", "list-deployments", "--service-arn", arn, "--output", "yaml"); code != 0 || stdout != "DeploymentSummaryList: []\n" {
		t.Errorf("%d, %q, %q", code, stdout, stderr)
	}
	if code, _, stderr := l.run(t, "aproned"); code != 252 || strings.Contains(stderr, "apron ") {
		t.Errorf("%d, %q", code, stderr)
	}
}

func TestRun_SaysWhatIsWrong(t *testing.T) {
	s := serve(t, map[string]string{"AppRunner.PauseService": `400 {"__type":"InvalidStateException","Message":"not now"}`})
	for _, test := range []struct {
		name, words, stderr string
		code                int
	}{
		{"refused", "apprunner pause-service --service-arn x", "\nAn error occurred (InvalidStateException) when calling the PauseService operation: not now\n", 254},
		{"no option", "apprunner pause-service", "the following arguments are required: --service-arn\n", 252},
		{"no scheme", "apprunner list-services --endpoint-url localhost", "Bad value for --endpoint-url \"localhost\": scheme is missing.", 252},
		{"bad query", "apprunner list-services --query [", "Bad value for --query [: ", 252},
		{"no number", "apprunner list-services --cli-read-timeout soon", "\ninvalid literal for int() with base 10: 'soon'\n", 255},
		{"no such time", "apprunner list-services --cli-read-timeout -1", "\nAttempted to set read timeout to -1, but the timeout cannot be set to a value less than or equal to 0.\n", 255},
		{"no such time that is", "apprunner list-services --cli-connect-timeout 99999999999", "timeout value 99999999999 is not between 0 and", 255},
		{"no text for a name", "apprunner pause-service --cli-input-yaml {5:}", "\nkeywords must be strings\n", 255},
		{"another service", "s3 ls", "it speaks the API of App Runner alone", 252},
		{"no profile", "apprunner list-services --profile nobody", "\nThe config profile (nobody) could not be found\n", 255},
	} {
		code, stdout, stderr := newLine(t, s).run(t, strings.Fields(test.words)...)
		if code != test.code || stdout != "" || !strings.Contains(stderr, test.stderr) {
			t.Errorf("%s: %d, %q, %q", test.name, code, stdout, stderr)
		}
	}
}

// What can be read once is empty the second time, in AWS's CLI as here; other options read their files once.
func TestRun_ReadsInputFilesTwice(t *testing.T) {
	s := serve(t, map[string]string{"AppRunner.PauseService": paused})
	for option, want := range map[string]string{
		"--service-arn":    "",
		"--cli-input-json": "\nError parsing parameter 'cli-input-json': Invalid JSON received.\n",
	} {
		out, in, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(in, `{"ServiceArn":"x"}`)
		in.Close()
		_, _, stderr := newLine(t, s).run(t, "apprunner", "pause-service", option, fmt.Sprintf("file:///dev/fd/%d", out.Fd()))
		if stderr != want {
			t.Errorf("%s: %q", option, stderr)
		}
		out.Close()
	}
}

// A moment in a sample is no text, whatever it looks like in a format. The outputs are those of AWS's CLI.
func TestRun_SamplesMoments(t *testing.T) {
	const text = "1970-01-01 00:00:00"
	for _, test := range []struct{ query, format, want string }{
		{"Connection.CreatedAt", "json", `"1970-01-01T00:00:00"`},
		{"Connection.CreatedAt", "yaml", `"1970-01-01T00:00:00"`},
		{"Connection.CreatedAt", "text", text},
		{"Connection.{At:CreatedAt}", "yaml", "At: " + text},
		{"Connection.CreatedAt", "yaml-stream", "- " + text},
		{"to_string(Connection.CreatedAt)", "text", `"` + text + `"`},
		{"type(Connection.CreatedAt)", "json", "null"},
		{"Connection.CreatedAt < `5`", "json", "null"},
		{"sort([Connection.CreatedAt])", "json", `In function sort(), invalid type for value: ` + text + `, expected one of: ['array-string', 'array-number'], received: "datetime"`},
		{"length(Connection.CreatedAt)", "json", `In function length(), invalid type for value: ` + text + `, expected one of: ['string', 'array', 'object'], received: "unknown"`},
	} {
		words := strings.Fields("apprunner create-connection --connection-name abcd --provider-type GITHUB --generate-cli-skeleton output")
		_, stdout, stderr := newLine(t, nil).run(t, append(words, "--query", test.query, "--output", test.format)...)
		if got := strings.TrimSpace(stdout + stderr); got != test.want {
			t.Errorf("%s as %s: got %q, want %q", test.query, test.format, got, test.want)
		}
	}
}

func TestRun_TellsVersionAndUsage(t *testing.T) {
	l := newLine(t, nil)
	if code, stdout, _ := l.run(t, "--version"); code != 0 || !strings.HasPrefix(stdout, "aws-cli/2.") || !strings.Contains(stdout, " apron/test ") {
		t.Errorf("%d, %q", code, stdout)
	}
	for _, word := range []string{"-h", "--help", "--hel"} {
		if code, stdout, _ := l.run(t, "apprunner", word); code != 0 || !strings.HasPrefix(stdout, "usage: aws [-h]") {
			t.Errorf("%s: %d, %q", word, code, stdout)
		}
	}
}

func TestRun_ShowsHelpAtEveryLevel(t *testing.T) {
	for words, want := range map[string]string{
		"help": "AVAILABLE SERVICES", "apprunner help": "AVAILABLE COMMANDS", "apprunner pause-service help": "--service-arn <value>", "help config-vars": "AWS_ENDPOINT_URL",
		"apron cancel-operation help": "--operation-id",
	} {
		if code, stdout, stderr := newLine(t, nil).run(t, strings.Fields(words)...); code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("%s: %d, %.300q, %q", words, code, stdout, stderr)
		}
	}
	if code, _, stderr := newLine(t, nil).run(t, "help", "nothing"); code != 252 || !strings.Contains(stderr, "Invalid choice") {
		t.Errorf("help nothing: %d, %q", code, stderr)
	}
}

func TestRun_DebugsWithoutSecrets(t *testing.T) {
	s := serve(t, map[string]string{"AppRunner.PauseService": paused})
	l := newLine(t, s)
	l.env["AWS_SESSION_TOKEN"] = "tokenEXAMPLE"
	code, _, stderr := l.run(t, "apprunner", "pause-service", "--service-arn", arn, "--debug")
	for _, want := range []string{" - MainThread - awscli.clidriver - DEBUG - CLI version: aws-cli/2.", "Arguments entered to CLI: ['apprunner', 'pause-service'",
		" - botocore.endpoint - DEBUG - Making request for OperationModel(name=PauseService) with params: {'url_path': '/'", "CanonicalRequest:\nPOST\n/\n",
		"\"POST / HTTP/1.1\" 200 ", " - botocore.parsers - DEBUG - Response body:\nb'{\"OperationId\":\"o-1\"",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%d, no %q in\n%s", code, want, stderr)
		}
	}
	for _, secret := range []string{"secretEXAMPLE", "tokenEXAMPLE", "Signature="} {
		if strings.Contains(stderr, secret) {
			t.Errorf("%s is in the debug output", secret)
		}
	}
}
