package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"apron/aprontest/terminal"
)

const bash = "/bin/bash"

// twoServices is a server that knows two services by their ARNs.
func twoServices(t *testing.T) *stub {
	t.Helper()
	list := `{"ServiceSummaryList":[{"ServiceArn":"` + arnOf("one") + `","Status":"RUNNING"},{"ServiceArn":"` + arnOf("two") + `","Status":"PAUSED"}]}`
	return newStub(t, map[string][]string{"ListServices": {list}, "PauseService": {`{"OperationId":"o-1","Service":{"ServiceName":"two"}}`}})
}

func arnOf(name string) string {
	return "arn:aws:apprunner:us-east-1:123456789012:service/" + name + "/1"
}

// inShell opens Bash on a terminal, with this program on its path as apron and as aws.
func inShell(t *testing.T, s *stub, setup string) *terminal.Terminal {
	t.Helper()
	needs(t, bash, "bash")
	dir := t.TempDir()
	for _, name := range []string{"apron", "aws"} {
		if err := os.Symlink(programs.apron, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	rc := filepath.Join(dir, "rc")
	if err := os.WriteFile(rc, []byte("bind 'set enable-bracketed-paste off'\nPS1='ready$ '\n"+setup+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	term := onWideTerminal(t, s.url, []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HISTFILE=", "AWS_PAGER="}, bash, "--noprofile", "--rcfile", rc, "-i")
	term.See("ready$")
	return term
}

// TestCompletion_OfBashByTheProgramItself follows `complete -C`, as AWS's own completer is set up.
func TestCompletion_OfBashByTheProgramItself(t *testing.T) {
	for setup, command := range map[string]string{
		"complete -C apron aws":   "aws",
		"complete -C aws aws":     "aws",
		"complete -C apron apron": "apron",
	} {
		t.Run(setup, func(t *testing.T) {
			s := twoServices(t)
			term := inShell(t, s, setup)
			term.Press(command + " appr\t")
			term.See("ready$ " + command + " apprunner")
			term.Press("pau\t")
			term.See("apprunner pause-service")
			term.Press("--serv\t")
			term.See("--service-arn")
			term.Press("arn:aws:apprunner:us-east-1:123456789012:service/tw\t")
			term.See("service/two/1")
			term.Press("--query OperationId --output te\t")
			term.See("--output text")
			term.Press("\r")
			term.See("\no-1\n")
			term.Press("exit\r")
			term.Ends(0)
			if log := strings.Join(s.log(), "\n"); !strings.Contains(log, `PauseService {"ServiceArn": "`+arnOf("two")+`"}`) {
				t.Errorf("the server was asked\n%s", log)
			}
		})
	}
}

// TestCompletion_OfBashByItsScript takes the script of `apron completion bash`, which knows the short verbs, into the
// commands of AWS's form too.
func TestCompletion_OfBashByItsScript(t *testing.T) {
	needs(t, "/usr/share/bash-completion/bash_completion", "bash-completion")
	s := twoServices(t)
	term := inShell(t, s, ". /usr/share/bash-completion/bash_completion\n. <(apron completion bash)")
	term.Press("apron apprunn\t")
	term.See("ready$ apron apprunner")
	term.Press("pau\t")
	term.See("apron apprunner pause-service")
	term.Press("--serv\t")
	term.See("--service-arn")
	term.Press("arn:aws:apprunner:us-east-1:123456789012:service/tw\t")
	term.See("service/two/1")
	term.Press("--query OperationId --output=te\t")
	term.See("--output=text")
	term.Press("\r")
	term.See("\no-1\n")
	term.Press("apron roll\t")
	term.See("apron rollback")
	term.Press("\x15exit\r")
	term.Ends(0)
}

// TestCompletion_OfOtherShells asks as zsh and tcsh do, and as the scripts of zsh and fish do.
func TestCompletion_OfOtherShells(t *testing.T) {
	s := twoServices(t)
	for _, test := range []struct {
		env, words, want string
	}{
		{"COMP_LINE=aws apprunner pau", "", "pause-service"},      // zsh's bashcompinit
		{"COMMAND_LINE=aws apprunner resu", "", "resume-service"}, // tcsh
		{"COMP_LINE=aws nothing ", "", ""},
		{"COMP_LINE=other command", "version", "apron "}, // a completer's child
		{"COMP_LINE=apron aws apprunner pau", "apron pau apprunner", "pause-service"},
		{"", "__complete apprunner pau", "pause-service"},
		{"", "__complete aws apprunner pause-service --service-arn " + strings.TrimSuffix(arnOf("tw"), "/1"), arnOf("two")},
		{"", "__complete apron list-d", "list-deployments\tLists the deployments"},
		{"", "__complete a", "apprunner\napron\naws\n:4"},
	} {
		cmd := exec.CommandContext(t.Context(), programs.apron, strings.Fields(test.words)...)
		cmd.Env = append(environment(t, s.url), test.env)
		out, err := cmd.Output()
		if err != nil || !strings.HasPrefix(string(out), test.want) || test.want == "" && len(out) > 0 {
			t.Errorf("%s %s: %q, %v, want %q", test.env, test.words, out, err, test.want)
		}
	}
}
