package complete_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"apron/api"
	"apron/cli/complete"
	"apron/cli/model"
)

// TestMain lets a shell run this binary as the program that completes.
func TestMain(m *testing.M) {
	s, err := model.Read("apprunner", api.Model)
	if url := os.Getenv("COMPLETE_TEST_SERVER"); url != "" && err == nil {
		c := complete.Completer{Services: []*model.Service{s}, Call: at(url)}
		c.Shell(context.Background(), os.Args[1:], os.Getenv, []string{"aws"}, os.Stdout)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestShell_PrintsTheWords(t *testing.T) {
	c := complete.Completer{Services: []*model.Service{service(t)}}
	for _, test := range []struct {
		line, point, word, want string
	}{
		{"aws apprunner pau", "", "pau", "pause-service"},
		{"apron apprunner pau", "", "pau", "pause-service"},
		{"apron aws apprunner pau", "", "pau", "pause-service"},
		{"/usr/local/bin/aws apprunner pause-service --outp", "36", "p", "pause-service"},
		{"aws apprunner pause-service --output=te", "", "te", "text"},
		{"aws appr", "", "appr", "apprunner"},
		{"aws", "", "aws", "apprunner"},
		{"aws nothing ", "", "", ""},
		{"aws apprunner pause-service --cli-b", "nonsense", "--cli-b", "--cli-binary-format"},
	} {
		env := map[string]string{"COMP_LINE": test.line, "COMP_POINT": test.point}
		var out strings.Builder
		asked := c.Shell(t.Context(), []string{"aws", test.word, ""}, func(k string) string { return env[k] }, []string{"apron", "aws"}, &out)
		got, _, _ := strings.Cut(out.String(), "\n")
		if !asked || got != test.want {
			t.Errorf("%q: got %q, want %q", test.line, got, test.want)
		}
	}
	if c.Shell(t.Context(), nil, func(string) string { return "" }, nil, nil) {
		t.Error("no shell asked, and one was answered")
	}
	tcsh := map[string]string{"COMMAND_LINE": "aws apprunner resu"}
	var out strings.Builder
	if c.Shell(t.Context(), nil, func(k string) string { return tcsh[k] }, nil, &out); out.String() != "resume-service\n" {
		t.Errorf("tcsh reads %q", out.String())
	}
}

// TestShell_CompletesInBash types into a real Bash on a terminal of its own: tabs complete the operation, the option and
// an ARN, whose colons begin new words for Bash.
func TestShell_CompletesInBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skipf("SKIP: %v; install it with apt-get install bash", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "aws"), []byte("#!/bin/sh\necho \"ran:$*:\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	url, _ := server(t)
	cmd := exec.CommandContext(t.Context(), bash, "--norc", "--noprofile", "-i")
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "TERM=dumb", "PS1=ready$ ", "COMPLETE_TEST_SERVER="+url, "HOME="+dir, "HISTFILE=")
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer terminal.Close()
	fmt.Fprintf(terminal, "complete -C %s aws\n", self)
	fmt.Fprintf(terminal, "aws appr\tpau\t--serv\tarn:aws:apprunner:us-east-1:123456789012:service/tw\t--outp\tte\t\n")
	want := "ran:apprunner pause-service --service-arn " + arn + "service/two/2 --output text:"
	for lines := bufio.NewScanner(terminal); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "ran:") {
			if got := strings.TrimSpace(lines.Text()); got != want {
				t.Errorf("Bash completed to %q, want %q", got, want)
			}
			return
		}
	}
	t.Error("Bash ended before it ran the line")
}
