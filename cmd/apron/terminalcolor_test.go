package main_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestColor_IsThatOfAWS has both programs draw tables and meet errors on terminals, and wants the same bytes, with every
// reset in its place.
func TestColor_IsThatOfAWS(t *testing.T) {
	needs(t, awsCLI, "awscli")
	s := newStub(t, map[string][]string{
		"ListServices":    {services(2)},
		"DescribeService": {`{"__type":"ResourceNotFoundException","Message":"no such service"}`},
	})
	for name, test := range map[string]struct {
		args    []string
		code    int
		colored bool
	}{
		"on a terminal":        {[]string{"list-services", "--no-cli-pager"}, 0, true},
		"through a pager":      {[]string{"list-services"}, 0, true},
		"switched off":         {[]string{"list-services", "--no-cli-pager", "--color", "off"}, 0, false},
		"an error and no rows": {[]string{"describe-service", "--service-arn", stubArn, "--color", "on"}, 254, false},
		"nothing to draw":      {[]string{"list-services", "--no-cli-pager", "--query", "NextToken"}, 0, false},
		"in JSON":              {[]string{"list-services", "--no-cli-pager", "--output", "json", "--color", "on"}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrote := map[string]string{}
			for _, program := range []string{programs.apron, awsCLI} {
				args := append([]string{"apprunner", "--endpoint-url", s.url, "--output", "table"}, test.args...)
				term := onTerminal(t, s.url, []string{"AWS_PAGER=cat"}, program, args...)
				term.Ends(test.code)
				wrote[program] = term.Raw()
			}
			if wrote[programs.apron] != wrote[awsCLI] {
				t.Errorf("got\n%q, want\n%q", wrote[programs.apron], wrote[awsCLI])
			}
			if strings.Contains(wrote[programs.apron], "\x1b[34m") != test.colored {
				t.Errorf("it is not so in colour: %q", wrote[programs.apron])
			}
		})
	}
}

func TestColor_IsForTerminalsAlone(t *testing.T) {
	s := newStub(t, map[string][]string{"ListServices": {services(2)}})
	for color, want := range map[string]bool{"auto": false, "off": false, "on": true} {
		cmd := exec.CommandContext(t.Context(), programs.apron, "apprunner", "list-services", "--output", "table", "--color", color)
		cmd.Env = environment(t, s.url)
		out, err := cmd.CombinedOutput()
		if colored := strings.Contains(string(out), "\x1b["); err != nil || colored != want || !strings.Contains(string(out), "service-001") {
			t.Errorf("--color %s in a pipe: %q, %v", color, out, err)
		}
	}
}
