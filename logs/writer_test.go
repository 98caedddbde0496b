package logs

import (
	"bytes"
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func accessLog(t *testing.T, l *Logs) *Writer {
	t.Helper()
	w, err := l.AccessLog(web)
	must(t, err)
	t.Cleanup(func() { w.Close() })
	return w
}

func TestWriter_RotatesUnderAFollowerThatLosesNoByte(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{MaxSize: 64 << 10, Keep: 1000})
	w := accessLog(t, l)
	var followed lockedBuffer
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Follow(ctx, &followed, web, 0, AccessStream) }()
	const lines = 30_000
	for i := 0; i < lines; {
		var batch bytes.Buffer
		for range min(97, lines-i) {
			batch.WriteString(numbered(i))
			i++
		}
		_, err := w.Write(batch.Bytes())
		must(t, err)
		must(t, l.rotateAll(t.Context())) // the backstop, which has nothing to do, or little
	}
	want := numberedUpTo(lines)
	if got := whole(t, l, w.path); !bytes.Equal(got, want) {
		t.Errorf("%d bytes kept, %d written", len(got), len(want))
	}
	if _, err := os.Stat(partName(w.path, 10)); err != nil {
		t.Errorf("rotated less than ten times: %v", err)
	}
	eventually(t, "the follower has as many bytes as were written", func() bool { return len(followed.bytes()) >= len(want) })
	cancel()
	must(t, <-ended)
	if !bytes.Equal(followed.bytes(), want) {
		t.Errorf("%d bytes followed are not the %d that were written", len(followed.bytes()), len(want))
	}
}

// lockedBuffer is written to by one goroutine and read by another.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buf.Bytes())
}

func TestWriter_PageReadsOnOverARotation(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{MaxSize: 100, Keep: 3})
	w := accessLog(t, l)
	write := func(s string) {
		t.Helper()
		_, err := w.Write([]byte(s))
		must(t, err)
	}
	r := &reader{t: t, logs: l, chosen: AccessStream}
	r.want(5)
	write("one\n")
	r.want(5, "access: one")
	write(strings.Repeat("x", 90) + "\ntwo\n")
	write("three\n") // in a new file
	r.want(5, "access: "+strings.Repeat("x", 90), "access: two", "access: three")
	r.want(5)
}

func TestWriter_KeepsTheDiskBounded(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{MaxSize: 10_000, Keep: 2})
	w := accessLog(t, l)
	for range 500 {
		_, err := w.Write(bytes.Repeat([]byte("123456789\n"), 50))
		must(t, err)
	}
	streams, err := l.Streams(web)
	must(t, err)
	if len(streams) != 1 || streams[0].Name != AccessStream || streams[0].Size < 20_000 || streams[0].Size > 30_000 {
		t.Errorf("streams are %v; want the access log with 20 to 30 kB of the 250 that were written", streams)
	}
}

func TestWriter_EndsALineThatWasTornAndComesBackAfterRemove(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	path, err := l.path(web, AccessStream)
	must(t, err)
	f, err := openAppend(path)
	must(t, err)
	_, err = f.WriteString("torn")
	must(t, err)
	must(t, f.Close())
	w := accessLog(t, l)
	_, err = w.Write([]byte("whole\n"))
	must(t, err)
	if got := whole(t, l, path); string(got) != "torn\nwhole\n" {
		t.Errorf("the file has %q", got)
	}
	must(t, l.Remove(web))
	_, err = w.Write([]byte("after\n"))
	must(t, err)
	if got := whole(t, l, path); string(got) != "after\n" {
		t.Errorf("the file has %q", got)
	}
}

func TestWriter_OfTwoServersAmidAnUpgradeLoseNoLine(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{MaxSize: 500, Keep: 1000})
	before, after := accessLog(t, l), accessLog(t, l)
	var want int
	for i := range 300 {
		for _, w := range []*Writer{before, after} {
			line := []byte(numbered(i))
			_, err := w.Write(line)
			must(t, err)
			want += len(line)
		}
	}
	if got := whole(t, l, before.path); len(got) != want {
		t.Errorf("%d bytes kept, %d written", len(got), want)
	}
	for n := 1; ; n++ {
		info, err := os.Stat(partName(before.path, n))
		if err != nil {
			break
		}
		if info.Size() > 500 {
			t.Errorf("part %d grew to %d bytes: it was written to after its rotation", n, info.Size())
		}
	}
}

func TestSweep_TakesAnAccessLogThatNobodyWrites(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	w := accessLog(t, l)
	_, err := w.Write([]byte("one\n"))
	must(t, err)
	must(t, l.Event(web, CreateStarted))
	later := time.Now().Add(l.cfg.MaxAge + time.Hour)
	must(t, l.sweep(t.Context(), later))
	if got := tail(t, l, AccessStream, 1); got[0] != "one" { // it is open
		t.Errorf("the log has %q", got)
	}
	must(t, w.Close())
	must(t, l.sweep(t.Context(), later))
	if _, err := os.Stat(w.path); !os.IsNotExist(err) {
		t.Errorf("the log is there still: %v", err)
	}
}
