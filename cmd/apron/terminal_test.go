package main_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"apron/aprontest/terminal"
)

const stubArn = "arn:aws:apprunner:us-east-1:123456789012:service/web/8fe1e10304f84fd2b0df550fe98a71fa"

// stub answers actions as a test says, for what a platform does not do at a word: to hang, to fail, to have a long list.
type stub struct {
	url     string
	mu      sync.Mutex
	asked   []string            // actions and their inputs, as "ACTION INPUT"
	answers map[string][]string // by action: one after the other, and then the last for ever
	hang    chan struct{}       // closed when an action without an answer has arrived
}

func newStub(t *testing.T, answers map[string][]string) *stub {
	t.Helper()
	s := &stub{answers: answers, hang: make(chan struct{})}
	server := httptest.NewServer(s)
	s.url = server.URL
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return s
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	answer, ok := s.next(action, string(body))
	if !ok {
		close(s.hang)
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if strings.Contains(answer, `"__type"`) {
		w.WriteHeader(http.StatusBadRequest)
	}
	io.WriteString(w, answer)
}

func (s *stub) next(action, input string) (answer string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, action+" "+input)
	answers := s.answers[action]
	if len(answers) == 0 {
		return "", false
	}
	if len(answers) > 1 {
		s.answers[action] = answers[1:]
	}
	return answers[0], true
}

// log is what was asked so far.
func (s *stub) log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// onTerminal runs a program on a terminal, in the environment for the server at that URL and what is given beside.
func onTerminal(t *testing.T, url string, env []string, program string, args ...string) *terminal.Terminal {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = environment(t, url)
	return terminal.Start(t, cmd, env...)
}

// onWideTerminal is onTerminal for commands so long that a line of them would be broken.
func onWideTerminal(t *testing.T, url string, env []string, program string, args ...string) *terminal.Terminal {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = environment(t, url)
	return terminal.StartSized(t, 200, terminal.Rows, cmd, env...)
}

// environment has a home of its own and what AWS's tools need to ask the server at that URL.
func environment(t *testing.T, url string) []string {
	t.Helper()
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LANG=C.UTF-8", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secretEXAMPLE",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_ENDPOINT_URL=" + url,
	}
}

// services is an answer to ListServices with as many.
func services(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"ServiceName":"service-%03d","Status":"RUNNING"}`, i)
	}
	return `{"ServiceSummaryList":[` + strings.Join(list, ",") + `]}`
}
