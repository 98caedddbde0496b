package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// following is a Follow that runs, and what it has written so far.
type following struct {
	mu     sync.Mutex
	b      bytes.Buffer
	cancel context.CancelFunc
	ended  chan error
}

func (f *following) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.b.Write(p)
}

func (f *following) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.b.String()
}

func startFollow(t *testing.T, l *Logs, lines int, streams ...string) *following {
	ctx, cancel := context.WithCancel(t.Context())
	f := &following{cancel: cancel, ended: make(chan error, 1)}
	go func() { f.ended <- l.Follow(ctx, f, web, lines, streams...) }()
	return f
}

func (f *following) stop(t *testing.T) string {
	t.Helper()
	f.cancel()
	must(t, <-f.ended)
	return f.String()
}

func appendTo(t *testing.T, l *Logs, instanceID, text string) {
	t.Helper()
	path, err := l.InstancePath(web, instanceID)
	must(t, err)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	must(t, err)
	defer f.Close()
	_, err = f.WriteString(text)
	must(t, err)
}

func TestFollow_BeginsWithTheLastLinesAndGoesOnWithoutAGap(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	appendTo(t, l, "1a", "one\ntwo\nthree\nunfin")
	f := startFollow(t, l, 2, "instance/1a")
	eventually(t, "the last lines are there", func() bool { return f.String() == "two\nthree\n" })
	appendTo(t, l, "1a", "ished\nfour\nend")
	eventually(t, "new lines are there", func() bool { return f.String() == "two\nthree\nunfinished\nfour\n" })
	if got := f.stop(t); got != "two\nthree\nunfinished\nfour\nend\n" {
		t.Errorf("got %q", got)
	}
}

func TestFollow_SeesNewInstancesAndNamesTheStreams(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	appendTo(t, l, "1a", "old\n")
	must(t, l.Event(web, PauseStarted))
	f := startFollow(t, l, 0, "instance/")
	eventually(t, "it follows", func() bool { appendTo(t, l, "1a", "a\n"); return strings.Contains(f.String(), "instance/1a a\n") })
	appendTo(t, l, "2b", "first\nsecond\n")
	eventually(t, "the new instance's first line is there", func() bool {
		return strings.Contains(f.String(), "instance/2b first\ninstance/2b second\n")
	})
	if got := f.stop(t); strings.Contains(got, "old") || strings.Contains(got, "pause") {
		t.Errorf("got %q", got)
	}
}

func TestFollow_OfAllStreamsBeforeThereIsAny(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	f := startFollow(t, l, 10)
	must(t, l.Event(web, CreateStarted))
	must(t, l.Deployment(web, "0d", DeploymentStarted("0d", TriggerCreate)))
	eventually(t, "both are there", func() bool {
		s := f.String()
		return strings.Contains(s, "events ") && strings.Contains(s, "deployment/0d ")
	})
	f.stop(t)
}

func TestFollow_GoesThroughRotation(t *testing.T) {
	for name, inPlace := range map[string]bool{"in place": true, "copy and truncate": false} {
		t.Run(name, func(t *testing.T) {
			l := openLogs(t, t.TempDir(), Config{MaxSize: 8192, Keep: 50})
			if l.block == 0 && inPlace {
				t.Skip("the file system of the temporary directory can't cut files in place")
			}
			if !inPlace {
				l.block = 0
			}
			appendTo(t, l, "1a", numbered(0))
			f := startFollow(t, l, 1, "instance/1a")
			eventually(t, "it follows", func() bool { return f.String() != "" })
			for i := 1; i < 3000; i++ {
				appendTo(t, l, "1a", numbered(i))
				if i%300 == 0 {
					must(t, l.rotateAll(t.Context()))
				}
			}
			want := string(numberedUpTo(3000))
			eventually(t, "all lines are there", func() bool { return len(f.String()) >= len(want) })
			if got := f.stop(t); got != want {
				t.Errorf("followed %d bytes, want %d", len(got), len(want))
			}
		})
	}
}

func TestFollow_EndsWhenItsWriterFails(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	must(t, l.Event(web, CreateStarted))
	broken := errors.New("pipe closed")
	if err := l.Follow(t.Context(), failing{broken}, web, 10); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestFollow_HandsOutAnEndlessLineInPieces(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	f := startFollow(t, l, 0, "instance/1a")
	appendTo(t, l, "1a", strings.Repeat("x", 3*maxLine))
	eventually(t, "a piece is there", func() bool { return len(f.String()) > maxLine })
	f.stop(t)
}

func TestTexts_AreAppRunners(t *testing.T) {
	for got, want := range map[string]string{
		StatusSet("PAUSED"):                             "Service status is set to PAUSED.",
		HealthCheck("TCP", "/", "8080"):                 "Performing health check on protocol `TCP` [Port: '8080'].",
		HealthCheck("HTTP", "/health", "3000"):          "Performing health check on protocol `HTTP` [Path: '/health'], [Port: '3000'].",
		HealthCheckFailed("HTTP", "/health", "3000"):    "Health check failed on protocol `HTTP`[Path: '/health'], [Port: '3000']. Check your configured port number. For more information, see the application logs.",
		HealthCheckFailed("TCP", "", "80"):              "Health check failed on protocol `TCP` [Port: '80']. Check your configured port number. For more information, see the application logs.",
		DeploymentStarted("0d", TriggerCreate):          "Deployment with ID : 0d started. Triggering event : SERVICE_CREATE",
		DeploymentFailed("0d", ReasonHealthCheck):       "Deployment with ID : 0d failed. Failure reason : Health check failed.",
		ImagePullFailed(ReasonImageMissing):             "Failed to pull your application image. Reason: ECR image doesn't exist.",
		SourcePulling("GITHUB", "https://example.test"): "Pulling source code from GITHUB Repository ( https://example.test ).",
		SourceArtifact("https://x.test/r", "main", "/"): "Deployment Artifact: [Repo Type: Source], [Repository: https://x.test/r], [Branch: main], [SourceDirectory: /]",
		ApplicationExited(137):                          "Your application stopped or failed to start. See logs for more information.  Container exit code: 137",
	} {
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func BenchmarkEvent(b *testing.B) {
	l := openLogs(b, b.TempDir(), Config{})
	b.ReportAllocs()
	for b.Loop() {
		must(b, l.Event(web, PauseStarted))
	}
}

func BenchmarkTail(b *testing.B) {
	l := openLogs(b, b.TempDir(), Config{})
	for i := range 100_000 {
		must(b, l.Event(web, fmt.Sprint("event ", i)))
	}
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.Tail(web, EventsStream, n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
