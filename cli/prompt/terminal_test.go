package prompt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"apron/api"
	"apron/cli/complete"
	"apron/cli/document"
	"apron/cli/model"
	"apron/cli/prompt"
)

// TestMain lets the tests run this binary as a program that prompts on a terminal of its own.
func TestMain(m *testing.M) {
	if os.Getenv("PROMPT_TEST") == "" {
		os.Exit(m.Run())
	}
	os.Exit(program())
}

// program prompts as the command line does, prints the arguments chosen, and exits as AWS's does.
func program() int {
	s, err := model.Read("apprunner", api.Model)
	if err != nil {
		panic(err)
	}
	c := complete.Completer{Services: []*model.Service{s}, Match: complete.Fuzzy, Call: call}
	args, err := prompt.Run(context.Background(), prompt.Config{
		Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Complete: c.Complete, History: os.Getenv("PROMPT_TEST_HISTORY"),
		Doc: func(line string) string {
			if strings.Contains(line, "panic") {
				panic("the help failed")
			}
			return fmt.Sprintf("Help of %v\n%s\nthe end of it", c.Path(line), strings.Repeat("a line of help\n", 60))
		},
		Output: func(line string) string { return fmt.Sprintf("Output of %v", c.Path(line)) },
	})
	switch {
	case errors.Is(err, prompt.ErrInterrupted):
		return 130
	case err != nil:
		fmt.Println("ERROR", err)
		return 255
	}
	fmt.Printf("ARGS %q\n", args)
	return 0
}

// call asks the server that the test runs.
func call(ctx context.Context, _ map[string]string, action string, input *document.Map) (*document.Map, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("PROMPT_TEST_SERVER"), strings.NewReader(document.JSON(input, 0, true)))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Amz-Target", "AppRunner."+action)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	v, err := document.Parse(string(text))
	m, _ := v.(*document.Map)
	return m, err
}

const arn = "arn:aws:apprunner:us-east-1:123456789012:service/"

// server answers ListServices as App Runner does.
func server(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "AppRunner.ListServices" {
			w.WriteHeader(http.StatusBadRequest)
		}
		fmt.Fprintf(w, `{"ServiceSummaryList":[{"ServiceArn":"%sone/1","Status":"RUNNING"},{"ServiceArn":"%stwo/2","Status":"PAUSED"}]}`, arn, arn)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// terminal is a program that prompts, on a real pseudo-terminal, and what a person would see of it.
type terminal struct {
	t        *testing.T
	pty, tty *os.File
	before   *term.State
	cmd      *exec.Cmd
	mu       sync.Mutex // of screen and raw
	screen   *vt.Emulator
	raw      strings.Builder
}

// start runs the program on a terminal of 120 columns and 30 rows, with those variables added to its environment.
func start(t *testing.T, env []string, args ...string) *terminal {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return run(t, append([]string{"PROMPT_TEST=1", "PROMPT_TEST_SERVER=" + server(t)}, env...), exec.CommandContext(t.Context(), self, args...))
}

// run starts any command so.
func run(t *testing.T, env []string, cmd *exec.Cmd) *terminal {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &terminal{t: t, pty: master, tty: tty, screen: vt.NewEmulator(120, 30)}
	s.resize(120, 30)
	s.before = s.termios()
	s.cmd = cmd
	s.cmd.Env = append(append(os.Environ(), "TERM=xterm-256color"), env...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = tty, tty, tty
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go io.Copy(master, s.screen) // what a terminal answers when it is asked
	go s.read()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		master.Close()
		tty.Close()
	})
	return s
}

func (s *terminal) read() {
	b := make([]byte, 4096)
	for {
		n, err := s.pty.Read(b)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.raw.Write(b[:n])
		s.screen.Write(b[:n])
		s.mu.Unlock()
	}
}

func (s *terminal) resize(columns, rows int) {
	s.t.Helper()
	s.mu.Lock()
	s.screen.Resize(columns, rows)
	s.mu.Unlock()
	if err := pty.Setsize(s.pty, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *terminal) termios() *term.State {
	s.t.Helper()
	state, err := term.GetState(s.tty.Fd())
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

// text is what stands on the screen, without the spaces at the ends of lines.
func (s *terminal) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for line := range strings.SplitSeq(s.screen.String(), "\n") {
		b.WriteString(strings.TrimRight(line, " \r") + "\n")
	}
	return b.String()
}

// see waits until the screen holds all of what is wanted, and none of what a leading ! forbids.
func (s *terminal) see(want ...string) string {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if text := s.text(); shows(text, want) {
			return text
		}
	}
	s.t.Fatalf("the screen does not become %q, it is:\n%s", want, s.text())
	return ""
}

func shows(text string, want []string) bool {
	for _, w := range want {
		if unwanted, ok := strings.CutPrefix(w, "!"); ok == strings.Contains(text, strings.TrimPrefix(unwanted, "!")) {
			return false
		}
	}
	return true
}

func (s *terminal) press(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.pty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// ends waits for the program and holds its exit code and the terminal's state against what they should be.
func (s *terminal) ends(code int) {
	s.t.Helper()
	s.cmd.Wait()
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("the program exits with %d, want %d:\n%s", got, code, s.text())
	}
	if after := s.termios(); !reflect.DeepEqual(after, s.before) {
		s.t.Errorf("the terminal was left as %+v, it was %+v", after, s.before)
	}
	for deadline := time.Now().Add(20 * time.Second); s.marked() != ""; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the terminal was left with %s", s.marked())
		}
	}
}

// marked is what the program switched on in the terminal and did not switch off, as far as it was read.
func (s *terminal) marked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw := s.raw.String()
	switch {
	case strings.LastIndex(raw, "\x1b[?25l") > strings.LastIndex(raw, "\x1b[?25h"):
		return "a hidden cursor"
	case strings.LastIndex(raw, "\x1b[?2004h") > strings.LastIndex(raw, "\x1b[?2004l"):
		return "marked pastes"
	}
	return ""
}

// The keys as a terminal sends them.
const (
	tab, enter, esc, ctrlC, ctrlD, ctrlR = "\t", "\r", "\x1b", "\x03", "\x04", "\x12"
	up, down, left, home, shiftTab       = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[H", "\x1b[Z"
	f1, f2, f3, f4, f5                   = "\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~"
)
