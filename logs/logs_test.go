package logs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestStreams_LieInAppRunnersGroups(t *testing.T) {
	dir := t.TempDir()
	l := openLogs(t, dir, Config{})
	must(t, l.Event(web, PauseStarted))
	must(t, l.Deployment(web, "0d", DeploymentStarted("0d", TriggerCreate)))
	path, err := l.InstancePath(web, "1a")
	must(t, err)
	must(t, os.WriteFile(path, []byte("hello\n"), 0o600))
	want := []string{"application/instance/1a.log", "service/deployment/0d.log", "service/events.log"}
	for _, w := range want {
		info, err := os.Stat(filepath.Join(dir, web.Name, web.ID, w))
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", w, info.Mode())
		}
	}
	if lines := tail(t, l, EventsStream, 10); !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[AppRunner\] Service pause started\.$`).MatchString(lines[0]) {
		t.Errorf("event %q", lines[0])
	}
	if lines := tail(t, l, "instance/1a", 10); !slices.Equal(lines, []string{"hello"}) {
		t.Errorf("instance stream %q", lines)
	}
}

func tail(t *testing.T, l *Logs, stream string, n int) []string {
	t.Helper()
	lines, err := l.Tail(web, stream, n)
	must(t, err)
	return lines
}

func TestStream_ThatNeverGotAByteDoesNotExist(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	path, err := l.InstancePath(web, "1a")
	must(t, err)
	must(t, os.WriteFile(path, nil, 0o600))
	streams, err := l.Streams(web)
	must(t, err)
	if len(streams) != 0 {
		t.Errorf("streams %v", streams)
	}
	if _, err := l.Tail(web, "instance/1a", 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("Tail: %v", err)
	}
}

func TestNames_ThatLeaveTheDirectoryAreRefused(t *testing.T) {
	dir := t.TempDir()
	l := openLogs(t, filepath.Join(dir, "logs"), Config{})
	for _, bad := range []Service{{"..", "a"}, {"a", ".."}, {"a/b", "c"}, {"a", "b/../.."}, {"", "a"}, {"a", ""}, {"a\n", "b"}} {
		if err := l.Event(bad, "x"); err == nil {
			t.Errorf("service %q was taken", bad)
		}
		if err := l.Remove(bad); err == nil {
			t.Errorf("Remove(%q) was done", bad)
		}
	}
	for _, bad := range []string{"", "..", "events/../../x", "deployment/..", "instance/a/b", "other", "instance/"} {
		if err := l.Append(web, bad, SourceAppRunner, "x"); err == nil {
			t.Errorf("stream %q was taken", bad)
		}
	}
}

func TestEvent_IsOneLineWhateverTheText(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	must(t, l.Event(web, "a\nb\rc\x1b[31m\x00\u202e\u2028 d\te ü 👩‍💻 \xff"))
	must(t, l.Event(web, strings.Repeat("z", 1<<20)))
	lines := tail(t, l, EventsStream, 10)
	if len(lines) != 2 {
		t.Fatalf("%d lines", len(lines))
	}
	if want := `a\nb\rc\x1b[31m\x00\u202e\u2028 d` + "\te ü 👩‍💻 " + `\xff`; !strings.HasSuffix(lines[0], "] "+want) {
		t.Errorf("got %q", lines[0])
	}
	if len(lines[1]) > maxText+100 || !strings.HasSuffix(lines[1], "bytes more)") {
		t.Errorf("a line of %d bytes that ends in %q", len(lines[1]), lines[1][len(lines[1])-20:])
	}
}

func TestEvent_LinesOfManyWritersStayWhole(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	var wg sync.WaitGroup
	for w := range 20 {
		wg.Go(func() {
			for i := range 50 {
				must(t, l.Event(web, fmt.Sprintf("<%d/%d %s>", w, i, strings.Repeat("x", 100*w))))
			}
		})
	}
	wg.Wait()
	lines := tail(t, l, EventsStream, 2000)
	whole := regexp.MustCompile(`^\S+ \[AppRunner\] <\d+/\d+ x*>$`)
	if len(lines) != 1000 {
		t.Errorf("%d lines, want 1000", len(lines))
	}
	for _, line := range lines {
		if !whole.MatchString(line) {
			t.Fatalf("torn line %q", line)
		}
	}
}

func TestEvent_LinesAreWholeAfterTheWriterIsKilled(t *testing.T) {
	dir := t.TempDir()
	l := openLogs(t, dir, Config{})
	for range 5 {
		server := process(t, "server", "LOGS_TEST_DIR="+dir)
		size := eventsSize(dir)
		must(t, server.Start())
		for deadline := time.Now().Add(time.Minute); eventsSize(dir) == size && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		must(t, server.Process.Signal(syscall.SIGKILL))
		server.Wait()
	}
	must(t, l.Event(web, "last."))
	lines := tail(t, l, EventsStream, 100_000)
	whole := regexp.MustCompile(`^\S+ \[AppRunner\] (event \d+ y*|last)\.$`)
	torn := 0
	for _, line := range lines {
		if !whole.MatchString(line) {
			torn++
		}
	}
	// A kill may fall into a write that crosses a page; what it leaves must at least not swallow the line after it.
	if torn > 5 || !strings.HasSuffix(lines[len(lines)-1], "last.") || len(lines) < 6 {
		t.Errorf("%d torn lines of %d, last %q", torn, len(lines), lines[len(lines)-1])
	}
}

// eventsSize is how long the service's events are in dir.
func eventsSize(dir string) int64 {
	info, err := os.Stat(filepath.Join(dir, web.Name, web.ID, "service", "events.log"))
	if err != nil {
		return 0
	}
	return info.Size()
}

func TestEvent_MendsATornLastLine(t *testing.T) {
	for name, torn := range map[string]string{"half a line": "2026-01-01T00:00:00.000Z [AppRu", "zeros after a power loss": "half\x00\x00\x00\x00"} {
		dir := t.TempDir()
		must(t, openLogs(t, dir, Config{}).Event(web, "first."))
		path := filepath.Join(dir, web.Name, web.ID, "service", "events.log")
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		f.WriteString(torn)
		f.Close()
		l := openLogs(t, dir, Config{})
		must(t, l.Event(web, "second."))
		lines := tail(t, l, EventsStream, 10)
		if len(lines) != 3 || lines[1] != strings.TrimRight(torn, "\x00") || !strings.HasSuffix(lines[2], "] second.") {
			t.Errorf("%s: %q", name, lines)
		}
	}
}

func TestFind_GivesTheNewestServiceOfAName(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	old, young := Service{"web", "ff"}, Service{"web", "00"}
	must(t, l.Event(old, CreateStarted))
	time.Sleep(20 * time.Millisecond) // the kernel's clock for files goes by ticks, which may be ten
	must(t, l.Event(young, CreateStarted))
	must(t, l.Event(old, DeleteFinished)) // later than the young one's birth
	if got, err := l.Find("web"); got != young {
		t.Errorf("Find: %v, %v", got, err)
	}
	if _, err := l.Find("nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Find of an unknown name: %v", err)
	}
	must(t, l.Remove(young))
	if got, err := l.Find("web"); got != old {
		t.Errorf("Find after Remove: %v, %v", got, err)
	}
}

func TestTail_ReadsBackAcrossPartsAndBlocks(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{MaxSize: 8 << 10, Keep: 100})
	const total = 5000
	for i := range total {
		must(t, l.Append(web, "deployment/0d", SourceBuild, fmt.Sprintf("line %d", i)))
		if i%500 == 0 {
			must(t, l.rotateAll(t.Context()))
		}
	}
	for _, n := range []int{0, 1, 7, 1500, total, total + 1} {
		lines := tail(t, l, "deployment/0d", n)
		if len(lines) != min(n, total) {
			t.Errorf("Tail(%d) gave %d lines", n, len(lines))
		}
		for i, line := range lines {
			if want := fmt.Sprintf(" line %d", total-len(lines)+i); !strings.HasSuffix(line, want) {
				t.Fatalf("Tail(%d)[%d] = %q, want ...%q", n, i, line, want)
			}
		}
	}
}
