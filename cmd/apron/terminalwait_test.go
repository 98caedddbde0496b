package main_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"apron/aprontest/terminal"
)

// wiped is what takes a progress line away.
const wiped = "\r\x1b[K"

// waits are the arguments of a wait for stubArn.
func waits(args ...string) []string {
	return append([]string{"apprunner", "wait", args[0], "--service-arn", stubArn}, args[1:]...)
}

// pausing is a platform whose pause ends so after three questions, or never with an empty end.
func pausing(t *testing.T, status, end string) *stub {
	t.Helper()
	service := func(status string) string {
		return fmt.Sprintf(`{"Service":{"ServiceArn":%q,"ServiceName":"web","Status":%q}}`, stubArn, status)
	}
	operation := func(status string) string {
		return fmt.Sprintf(`{"Operation":{"Id":"o-1","Type":"PAUSE_SERVICE","Status":%q,"Step":"drain","Reason":"because"}}`, status)
	}
	services, operations := []string{service("OPERATION_IN_PROGRESS")}, []string{operation("IN_PROGRESS")}
	if end != "" {
		services = append(services, services[0], services[0], service(status))
		operations = append(operations, operations[0], operations[0], operation(end))
	}
	return newStub(t, map[string][]string{
		"DescribeService": services, "DescribeOperation": operations, "ListOperations": {`{"OperationSummaryList":[{"Id":"o-1","Type":"PAUSE_SERVICE"}]}`},
	})
}

func TestWait_RewritesOneLineAndClearsIt(t *testing.T) {
	s := pausing(t, "PAUSED", "SUCCEEDED")
	term := onTerminal(t, s.url, nil, programs.apron, waits("service-paused")...)
	term.Ends(0)
	raw := term.Raw()
	progress, ok := strings.CutSuffix(raw, wiped)
	if !ok || strings.Contains(raw, "\n") || strings.TrimSpace(term.Text()) != "" {
		t.Errorf("it wrote more than one line, or left one: %q", raw)
	}
	if n := strings.Count(progress, "service-paused: PAUSE_SERVICE is IN_PROGRESS drain"); n != 3 {
		t.Errorf("the line was written %d times for three questions: %q", n, raw)
	}
}

func TestWait_TellsItsEndByItsExitCode(t *testing.T) {
	for _, test := range []struct {
		name, status, end string
		code              int
		said              string
		args              []string
	}{
		{"succeeded", "PAUSED", "SUCCEEDED", 0, "", waits("service-paused")},
		{"rolled back", "RUNNING", "ROLLBACK_SUCCEEDED", 3, "Waiter ServicePaused failed: ", waits("service-paused")},
		{"timed out", "", "", 4, "Waiter ServicePaused failed: Max attempts exceeded", waits("service-paused", "--timeout", "1")},
		{"failed", "RUNNING", "FAILED", 255, `"FAILED": because`, waits("service-paused")},
		{"an operation succeeded", "PAUSED", "SUCCEEDED", 0, "", waits("operation-succeeded", "--operation-id", "o-1")},
		{"an operation was rolled back", "", "ROLLBACK_SUCCEEDED", 3, "Waiter OperationSucceeded failed: ", waits("operation-succeeded", "--operation-id", "o-1")},
		{"an operation failed", "", "FAILED", 255, "Waiter OperationSucceeded failed: ", waits("operation-succeeded", "--operation-id", "o-1")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			term := onTerminal(t, pausing(t, test.status, test.end).url, nil, programs.apron, test.args...)
			term.Ends(test.code)
			_, said, ok := strings.Cut(term.Raw(), wiped)
			if !ok || (said == "") != (test.said == "") || !strings.Contains(said, test.said) {
				t.Errorf("it wrote %q, want %q after the line", term.Raw(), test.said)
			}
		})
	}
}

// TestWait_LeavesTheServerItsWorkAtCtrlC: waiting is all that ends, and that is said.
func TestWait_LeavesTheServerItsWorkAtCtrlC(t *testing.T) {
	s := pausing(t, "", "")
	term := onTerminal(t, s.url, nil, programs.apron, waits("service-paused")...)
	term.See("service-paused: PAUSE_SERVICE is IN_PROGRESS drain")
	term.Press(terminal.CtrlC)
	term.Ends(130)
	const want = "\nStopped waiting; what was begun goes on at the server. `apron apprunner list-operations --service-arn " + stubArn + "` shows it.\n"
	if said := strings.ReplaceAll(term.Raw(), "\r\n", "\n"); !strings.HasSuffix(said, wiped+want) {
		t.Errorf("it said %q, want %q", said, want)
	}
	for _, asked := range s.log() {
		if action, _, _ := strings.Cut(asked, " "); !strings.HasPrefix(action, "Describe") && !strings.HasPrefix(action, "List") {
			t.Errorf("the server was asked %s", asked)
		}
	}
}

func TestWait_EndsAtCtrlCWhileTheServerIsSilent(t *testing.T) {
	s := newStub(t, nil)
	term := onTerminal(t, s.url, nil, programs.apron, waits("service-paused")...)
	<-s.hang
	term.Press(terminal.CtrlC)
	term.Ends(130)
	if !strings.Contains(term.Raw(), "Stopped waiting; what was begun goes on at the server.") {
		t.Errorf("it said %q", term.Raw())
	}
}

// TestCall_EndsAtCtrlCAsAWSDoes has a server that does not answer.
func TestCall_EndsAtCtrlCAsAWSDoes(t *testing.T) {
	for _, program := range []string{programs.apron, awsCLI} {
		if _, err := os.Stat(program); err != nil {
			t.Logf("SKIP: %v; install it with apt-get install awscli", err)
			continue
		}
		s := newStub(t, nil)
		args := []string{"apprunner", "pause-service", "--service-arn", stubArn, "--endpoint-url", s.url}
		term := onTerminal(t, s.url, nil, program, args...)
		<-s.hang
		term.Press(terminal.CtrlC)
		term.Ends(130)
		if got := term.Raw(); got != "^C\r\n" {
			t.Errorf("%s wrote %q", program, got)
		}
	}
}
