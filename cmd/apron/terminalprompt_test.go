package main_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/aprontest/terminal"
)

// TestPrompt_PausesAServiceOfThePlatform chooses every word of a command, the ARN from those that the platform has, and
// runs it there.
func TestPrompt_PausesAServiceOfThePlatform(t *testing.T) {
	w := newWorld(t)
	w.bring("running")
	env := []string{"AWS_PAGER="}
	for name, value := range w.platform.Env {
		env = append(env, name+"="+value)
	}
	term := onWideTerminal(t, w.platform.APIURL(), env, programs.apron, "aws", "--cli-auto-prompt")
	term.See("> aws", "apprunner")
	term.Press("appr" + terminal.Tab)
	term.See("> aws apprunner\n")
	term.Press(" pause" + terminal.Tab)
	term.See("> aws apprunner pause-service\n")
	term.Press(" --serv" + terminal.Tab + " ")
	term.See("> aws apprunner pause-service --service-arn", " "+w.arn, "RUNNING")
	term.Press(terminal.Tab)
	term.See("--service-arn " + w.arn + "\n")
	term.Press(terminal.Enter)
	term.See("!RUNNING")
	term.Press(" --outp" + terminal.Tab + " te" + terminal.Tab)
	term.See("--output text\n", "!json")
	term.Press(terminal.Enter)
	term.See("!table")
	term.Press(terminal.Enter)
	term.Ends(0)
	term.See("OPERATION_IN_PROGRESS", "![ENTER]")
	w.ends(types.OperationStatusSucceeded)
	w.holds(types.ServiceStatusPaused)
}

// TestPrompt_CompletesACommandThatLacksSomething is the mode on-partial: what can be run is run, and the prompt opens on the
// rest.
func TestPrompt_CompletesACommandThatLacksSomething(t *testing.T) {
	s := twoServices(t)
	env := []string{"AWS_CLI_AUTO_PROMPT=on-partial", "AWS_PAGER="}
	term := onTerminal(t, s.url, env, programs.apron, "apprunner", "list-services", "--query", "length(ServiceSummaryList)")
	term.Ends(0)
	if term.Raw() != "2\r\n" {
		t.Errorf("a whole command wrote %q", term.Raw())
	}
	term = onTerminal(t, s.url, env, programs.apron, "apprunner", "pause-service", "--query", "OperationId")
	term.See("> aws apprunner pause-service --query OperationId", "--service-arn (required)")
	term.Press(" --serv" + terminal.Tab + " TWO" + terminal.Tab + terminal.Enter)
	term.See("--service-arn "+arnOf("two")+"\n", "!PAUSED")
	term.Press(terminal.Enter)
	term.Ends(0)
	if !strings.HasSuffix(term.Raw(), "\"o-1\"\r\n") {
		t.Errorf("it wrote at last %q", term.Raw()[max(0, len(term.Raw())-100):])
	}
}

func TestPrompt_IsLeftWithCtrlC(t *testing.T) {
	s := twoServices(t)
	term := onTerminal(t, s.url, nil, programs.apron, "aws", "--cli-auto-prompt")
	term.See("> aws", "apprunner")
	term.Press("apprunner pau")
	term.See("> aws apprunner pau\n", "pause-service")
	term.Press(terminal.CtrlC)
	term.Ends(130)
	for _, asked := range s.log() {
		t.Errorf("the server was asked %s", asked)
	}
}
