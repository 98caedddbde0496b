package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"apron/aprontest/terminal"
)

// less is the pager that is used when none is configured.
const less = "/usr/bin/less"

func TestPager_EndsByItselfWhenAllFitsOnTheScreen(t *testing.T) {
	needs(t, less, "less")
	s := newStub(t, map[string][]string{"ListServices": {services(2)}})
	term := onTerminal(t, s.url, nil, programs.apron, "apprunner", "list-services")
	term.Ends(0)
	term.See("service-000", "service-001", "}\n")
	if strings.Contains(term.Raw(), "\x1b[?1049h") {
		t.Errorf("the screen was taken away: %q", term.Raw())
	}
}

func TestPager_ShowsALongAnswerUntilItIsLeft(t *testing.T) {
	needs(t, less, "less")
	s := newStub(t, map[string][]string{"ListServices": {services(200)}})
	term := onTerminal(t, s.url, nil, programs.apron, "aws", "apprunner", "list-services")
	term.See("service-000", "!service-100")
	term.Press("/service-100" + terminal.Enter)
	term.See("service-100", "!service-000")
	term.Press("q")
	term.Ends(0)
	if strings.Contains(term.Raw(), "service-199") {
		t.Error("the end was written, which nobody asked for")
	}
}

// TestPager_IsLeftWithCtrlC: AWS's CLI leaves its pager running then, and the terminal to both the pager and the shell.
func TestPager_IsLeftWithCtrlC(t *testing.T) {
	needs(t, less, "less")
	s := newStub(t, map[string][]string{"ListServices": {services(200)}})
	for _, pager := range []string{"less", "less -+X", "sh -c 'stty -icanon -echo; cat; sleep 300'", "sh -c 'trap \"\" INT TERM; stty -icanon -echo; cat; read forever < /dev/tty'"} {
		term := onTerminal(t, s.url, []string{"AWS_PAGER=" + pager}, programs.apron, "apprunner", "list-services")
		if strings.HasPrefix(pager, "less") {
			term.See("service-000", "!service-100")
		} else {
			term.See("service-199")
		}
		term.Press(terminal.CtrlC)
		term.Ends(130)
	}
}

// TestPager_EndsWithTheProgram has another program end this one, which a pager hears nothing of.
func TestPager_EndsWithTheProgram(t *testing.T) {
	needs(t, less, "less")
	s := newStub(t, map[string][]string{"ListServices": {services(200)}})
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		term := onTerminal(t, s.url, nil, programs.apron, "apprunner", "list-services")
		term.See("service-000", "!service-100")
		if err := term.Cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		term.Ends(130)
	}
}

func TestPager_IsTheOneConfigured(t *testing.T) {
	s := newStub(t, map[string][]string{"ListServices": {services(200)}})
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[default]\ncli_pager = sed 's/^/configured /'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		env, args []string
		want      string // what the last line begins with
	}{
		{[]string{"AWS_PAGER=sed 's/^/chosen /'"}, nil, "chosen }"},
		{[]string{"AWS_CONFIG_FILE=" + config}, nil, "configured }"},
		{[]string{"AWS_CONFIG_FILE=" + config, "AWS_PAGER=sed 's/^/chosen /'"}, nil, "chosen }"},
		{[]string{"AWS_CONFIG_FILE=" + config, "AWS_PAGER="}, nil, "}"},
		{[]string{"AWS_CONFIG_FILE=" + config, "PAGER=false"}, nil, "configured }"},
		{[]string{"PAGER=sed 's/^/general /'"}, nil, "general }"},
		{[]string{"AWS_CONFIG_FILE=" + config}, []string{"--no-cli-pager"}, "}"},
	} {
		term := onTerminal(t, s.url, test.env, programs.apron, append([]string{"apprunner", "list-services"}, test.args...)...)
		term.Ends(0)
		lines := strings.Split(strings.TrimSpace(term.Raw()), "\n")
		if last := lines[len(lines)-1]; last != test.want {
			t.Errorf("%v %v: the last line is %q, want %q", test.env, test.args, last, test.want)
		}
	}
}

func TestPager_ThatIsMissingIsSaid(t *testing.T) {
	s := newStub(t, map[string][]string{"ListServices": {services(2)}})
	term := onTerminal(t, s.url, []string{"AWS_PAGER=no-such-pager -x"}, programs.apron, "apprunner", "list-services")
	term.Ends(253)
	const want = "\r\nUnable to redirect output to pager. Received the following error when opening pager:\r\n" +
		"[Errno 2] No such file or directory: 'no-such-pager'\r\n\r\n" +
		"Learn more about configuring the output pager by running \"aws help config-vars\".\r\n"
	if term.Raw() != want {
		t.Errorf("it says %q, want %q", term.Raw(), want)
	}
}

// TestPager_ShowsHelp takes a page through less, with a Ctrl-C that is less's own business.
func TestPager_ShowsHelp(t *testing.T) {
	needs(t, less, "less")
	term := onTerminal(t, "", nil, programs.apron, "apprunner", "pause-service", "help")
	term.See("PAUSE-SERVICE()", "NAME", "pause-service -")
	term.Press("/--service-arn <value>" + terminal.Enter)
	term.See("--service-arn <value>", "!NAME\n")
	term.Press(terminal.CtrlC)
	for range 20 { // less forgets keys that come right behind a Ctrl-C
		term.Press("g")
		if _, ok := term.Sees(2*time.Second, "NAME\n"); ok {
			break
		}
	}
	term.See("NAME\n")
	term.Press("q")
	term.Ends(0)
}
