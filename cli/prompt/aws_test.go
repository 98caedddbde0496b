package prompt_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"apron/aprontest/terminal"
)

// step is what is pressed, and what the screen must then show.
type step struct {
	keys string
	see  []string
}

// TestPrompt_TakesTheKeysOfAWS presses the same keys in AWS's own prompt and in this one, on terminals of their own.
func TestPrompt_TakesTheKeysOfAWS(t *testing.T) {
	const aws = "/usr/bin/aws"
	if _, err := os.Stat(aws); err != nil {
		t.Skipf("SKIP: %v; install it with apt-get install awscli", err)
	}
	for name, test := range map[string]struct {
		args  []string
		steps []step
		code  int
	}{
		"tab chooses, enter closes the menu, enter runs": {nil, []step{
			{"", []string{"> aws"}}, {"appr", []string{"> aws appr\n", " apprunner"}}, {tab, []string{"> aws apprunner\n"}}, {" pau", []string{" pause-service"}},
			{tab, []string{"> aws apprunner pause-service\n"}}, {enter, []string{"> aws apprunner pause-service\n"}}, {" --generate-cli-skeleton", []string{"--generate-cli-skeleton\n", "![string]"}}, {enter, []string{"> aws apprunner pause-service --generate-cli-skeleton\n", "!ENTER"}},
		}, 0},
		"enter closes the menu without a choice": {[]string{"apprunner", "describe-service"}, []step{
			{"", []string{"--service-arn (required)"}}, {enter, []string{"!(required)", "> aws apprunner describe-service\n"}}, {"--generate-cli-skeleton", []string{"--generate-cli-skeleton\n", "![string]"}}, {enter, []string{"> aws apprunner describe-service --generate-cli-skeleton\n", "!ENTER"}},
		}, 0},
		"up goes round from none to the last": {[]string{"apprunner", "pause-service"}, []step{
			{"", []string{"--service-arn (required)"}}, {"--outp", []string{" --output", "!--debug"}}, {up, []string{"--output\n"}}, {" te", []string{" text", "!json"}}, {up, []string{"--output table\n"}},
			{ctrlC, []string{"> aws apprunner pause-service --output table\n", "!ENTER"}},
		}, 130},
		"left with a line": {[]string{"apprunner"}, []step{{"", []string{"associate-custom-domain"}}, {"zz", []string{"!associate"}}, {ctrlD, []string{"> aws apprunner zz\n", "!ENTER"}}}, 130},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			theirs := terminal.Start(t, exec.CommandContext(t.Context(), aws, append(test.args, "--cli-auto-prompt")...), "HOME="+home, "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true")
			ours := start(t, []string{"HOME=" + home}, append(test.args, "--cli-auto-prompt")...)
			for _, s := range []*terminal.Terminal{theirs, ours} {
				for _, step := range test.steps {
					s.Press(step.keys)
					if s == theirs && step.keys == enter {
						insist(s, step)
					}
					s.See(step.see...)
				}
				s.Ends(test.code)
			}
		})
	}
}

// insist presses the keys again where they did nothing: in AWS's prompt a menu that a thread opens late, and empty, may
// swallow the first Enter.
func insist(s *terminal.Terminal, step step) {
	for range 3 {
		if _, ok := s.Sees(2*time.Second, step.see...); ok {
			return
		}
		s.Press(step.keys)
	}
}

// TestPrompt_EndsWithItsInputAsAWSDoes gives both prompts no input at all.
func TestPrompt_EndsWithItsInputAsAWSDoes(t *testing.T) {
	const aws = "/usr/bin/aws"
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(aws); err != nil {
		t.Skipf("SKIP: %v; install it with apt-get install awscli", err)
	}
	for program, want := range map[string]string{aws: "\n\n", self: ""} {
		cmd := exec.CommandContext(t.Context(), program, "apprunner", "--cli-auto-prompt")
		cmd.Env = append(os.Environ(), "PROMPT_TEST=1", "HOME="+t.TempDir(), "AWS_REGION=us-east-1")
		var errors strings.Builder
		cmd.Stderr = &errors
		cmd.Run()
		if got := errors.String(); cmd.ProcessState.ExitCode() != 255 || got != "Warning: Input is not a terminal (fd=0).\n"+want {
			t.Errorf("%s exits with %d and says %q", program, cmd.ProcessState.ExitCode(), got)
		}
	}
}
