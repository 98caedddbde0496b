package verb_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"apron/api"
	"apron/cli/verb"
)

// urlVariable makes of the test program the command line itself, on the platform at that URL.
const urlVariable = "APRON_VERB_TEST_URL"

func TestMain(m *testing.M) {
	url := os.Getenv(urlVariable)
	if url == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	cmd := root(url)
	cmd.SetOut(os.Stdout)
	cmd.SetErr(os.Stderr)
	err := cmd.ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "apron:", err)
	}
	os.Exit(verb.ExitCode(err))
}

// terminal is a real one, with a program in its foreground.
type terminal struct {
	*testing.T
	master, slave *os.File
	modes         unix.Termios // before the program
	cmd           *exec.Cmd

	mu     sync.Mutex
	screen bytes.Buffer
	closed chan struct{} // when all that was written has been read
}

const columns = 60

// openTerminal starts the command line on a terminal of its own.
func openTerminal(t *testing.T, url string, args ...string) *terminal {
	t.Helper()
	term := &terminal{T: t, closed: make(chan struct{})}
	term.open()
	term.cmd = exec.Command(os.Args[0], args...)
	term.cmd.Env = []string{urlVariable + "=" + url, "TERM=xterm", "HOME=" + t.TempDir()}
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = term.slave, term.slave, term.slave
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := term.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go term.read()
	t.Cleanup(func() {
		_ = term.cmd.Process.Kill() // it has ended, unless the test failed
		term.master.Close()
	})
	return term
}

func (t *terminal) open() {
	t.Helper()
	var err error
	if t.master, t.slave, err = pty.Open(); err == nil {
		err = pty.Setsize(t.master, &pty.Winsize{Rows: 24, Cols: columns})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.modes = t.currentModes()
}

func (t *terminal) currentModes() unix.Termios {
	t.Helper()
	modes, err := unix.IoctlGetTermios(int(t.slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *modes
}

func (t *terminal) read() {
	defer close(t.closed)
	for b := make([]byte, 4096); ; {
		n, err := t.master.Read(b)
		t.mu.Lock()
		t.screen.Write(b[:n])
		t.mu.Unlock()
		if err != nil {
			return // EIO: nobody has the other side open any more
		}
	}
}

func (t *terminal) shown() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.screen.String()
}

// await waits until the screen has been written that text.
func (t *terminal) await(text string) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(5 * time.Millisecond) {
		if strings.Contains(t.shown(), text) {
			return
		}
	}
	t.Fatalf("the screen lacks %q: %q", text, t.shown())
}

// end waits until the program has ended, and returns its exit code and all that it wrote.
func (t *terminal) end() (code int, screen string) {
	t.Helper()
	_ = t.cmd.Wait() // its code is what counts
	if now := t.currentModes(); now != t.modes {
		t.Errorf("the terminal's modes are %+v, were %+v", now, t.modes)
	}
	t.slave.Close()
	<-t.closed
	return t.cmd.ProcessState.ExitCode(), t.shown()
}

func TestTerminal_ShowsProgressInOneLine(t *testing.T) {
	p := newPlatform(t, "web-app")
	code, screen := openTerminal(t, p.url, "pause", "web-app").end()
	const cleared = "\r\x1b[K"
	progress, result, ok := strings.Cut(screen, cleared+"web-app is PAUSED\r\n")
	if code != 0 || !ok || result != "" {
		t.Fatalf("it ended with %d and %q", code, screen)
	}
	if strings.Contains(progress, "\n") || !strings.Contains(progress, "pausing web-app: drain") {
		t.Errorf("the progress line is %q", progress)
	}
}

// TestTerminal_SurvivesCtrlC: the program goes, its terminal is as it was, and the server goes on.
func TestTerminal_SurvivesCtrlC(t *testing.T) {
	p := newPlatform(t, "web-app")
	p.setFate(fate{status: api.OperationInProgress})
	term := openTerminal(t, p.url, "pause", "web-app")
	term.await("pausing web-app: drain")
	if _, err := term.master.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	code, screen := term.end()
	const said = "\r\x1b[Kapron: stopped waiting; pausing web-app goes on on the server: " +
		"`apron wait operation 00000000000000000000000000000001 --service web-app` follows it, `apron cancel web-app` ends it\r\n"
	if code != 130 || !strings.HasSuffix(screen, said) {
		t.Errorf("it ended with %d and %q, want 130 and the end %q", code, screen, said)
	}
	if status := p.statusOf(0); status != api.StatusOperationInProgress {
		t.Errorf("the service is %s", status)
	}
}

// TestTerminal_IsNotBrokenByLongNames has a line that is longer than the terminal is wide.
func TestTerminal_IsNotBrokenByLongNames(t *testing.T) {
	name := strings.Repeat("long-name-", 4)
	p := newPlatform(t, name)
	_, screen := openTerminal(t, p.url, "wait", name, "running").end()
	for part := range strings.SplitSeq(strings.Split(screen, "\r\x1b[K")[0], "\r") {
		if line := strings.TrimSuffix(part, "\x1b[K"); len([]rune(line)) >= columns {
			t.Errorf("%q is %d columns wide", line, len([]rune(line)))
		}
	}
	if !strings.Contains(screen, "…") {
		t.Errorf("no line was cut: %q", screen)
	}
}
