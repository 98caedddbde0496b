package main_test

import (
	"bytes"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
	"github.com/creack/pty"
)

// TestVerb_CtrlC_LeavesTheOperationToTheServer interrupts a deployment as somebody at a terminal does, and takes it up again.
func TestVerb_CtrlC_LeavesTheOperationToTheServer(t *testing.T) {
	w := newWorld(t)
	cmd := exec.Command(programs.apron, "up", "app:1", "--name", "web-app", "--env", "NEVER_LISTEN=1", "--data", w.data)
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	shown := &screen{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(shown, terminal) // EIO: the program has ended
	}()
	shown.await(t, "creating web-app: provision (2 of 4)")
	if _, err := terminal.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	<-ended
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("it ended with exit code %d, want 130", code)
	}
	last := shown.String()[strings.LastIndex(shown.String(), "\x1b[K"):]
	if !strings.Contains(last, "apron: stopped waiting; creating web-app goes on on the server: `apron wait operation ") {
		t.Errorf("it said %q", last)
	}
	if out, err := exec.Command(programs.apron, "cancel", "web-app", "--data", w.data).CombinedOutput(); err != nil {
		t.Errorf("apron cancel: %v\n%s", err, out)
	}
	list, err := w.client.ListServices(t.Context(), &apprunner.ListServicesInput{})
	if err != nil || len(list.ServiceSummaryList) != 1 || list.ServiceSummaryList[0].Status != types.ServiceStatusCreateFailed {
		t.Errorf("the platform has %+v, %v", list, err)
	}
}

// screen is what a terminal was written.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) await(t *testing.T, text string) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(5 * time.Millisecond) {
		if strings.Contains(s.String(), text) {
			return
		}
	}
	t.Fatalf("the screen lacks %q: %q", text, s.String())
}
