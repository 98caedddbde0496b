package logs

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// reader is somebody who reads page after page and keeps places in writing.
type reader struct {
	t      *testing.T
	logs   *Logs
	chosen string
	place  Place
}

func (r *reader) page(limit int) (lines []string) {
	r.t.Helper()
	found, to, err := r.logs.Page(web, r.place, limit, r.chosen)
	must(r.t, err)
	text, err := to.Encode()
	must(r.t, err)
	r.place, err = DecodePlace(text)
	must(r.t, err)
	for _, line := range found {
		lines = append(lines, line.Stream+": "+line.Text)
	}
	if len(lines) > limit {
		r.t.Errorf("%d lines where %d were asked for", len(lines), limit)
	}
	return lines
}

func (r *reader) want(limit int, want ...string) {
	r.t.Helper()
	if got := r.page(limit); !slices.Equal(got, want) {
		r.t.Errorf("page is\n%q, want\n%q", got, want)
	}
}

// written makes the instance's stream as old as if it had last grown then.
func written(t *testing.T, l *Logs, instanceID string, ago time.Duration) {
	t.Helper()
	path, err := l.InstancePath(web, instanceID)
	must(t, err)
	at := time.Now().Add(-ago)
	must(t, os.Chtimes(path, at, at))
}

func TestPage_BeginsWithTheLastLinesAndGoesOn(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	r := &reader{t: t, logs: l, chosen: "instance/"}
	r.want(5)
	r.want(5)
	appendTo(t, l, "1a", "one\ntwo\nthree\n")
	r.want(2, "instance/1a: one", "instance/1a: two")
	r.want(2, "instance/1a: three")
	r.want(2)
	appendTo(t, l, "1a", "four\n")
	r.want(2, "instance/1a: four")

	fresh := &reader{t: t, logs: l, chosen: "instance/"}
	fresh.want(2, "instance/1a: three", "instance/1a: four")
	fresh.want(2)
}

func TestPage_OfManyStreams_HasWhatWasWrittenLast(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	for id, ago := range map[string]time.Duration{"old": 3 * time.Hour, "new": time.Hour, "mid": 2 * time.Hour} {
		appendTo(t, l, id, id+" 1\n"+id+" 2\n")
		written(t, l, id, ago)
	}
	must(t, l.Event(web, CreateStarted)) // not chosen
	r := &reader{t: t, logs: l, chosen: "instance/"}
	r.want(3, "instance/mid: mid 2", "instance/new: new 1", "instance/new: new 2")
	r.want(3)
	appendTo(t, l, "old", "old 3\n") // its first lines were passed over, and stay so
	appendTo(t, l, "later", "later 1\n")
	got := r.page(9)
	slices.Sort(got)
	if want := []string{"instance/later: later 1", "instance/old: old 3"}; !slices.Equal(got, want) {
		t.Errorf("page is %q, want %q", got, want)
	}
}

// TestPage_LosesNoStream of which the page that met it had no room for a line.
func TestPage_LosesNoStream(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	r := &reader{t: t, logs: l, chosen: "instance/"}
	r.want(1)
	var all []string
	for n := range 7 {
		appendTo(t, l, fmt.Sprint("i", n), fmt.Sprintf("%d a\n%d b\n", n, n))
	}
	for range 14 {
		all = append(all, r.page(1)...)
	}
	r.want(1)
	slices.Sort(all)
	if len(all) != 14 || len(slices.Compact(all)) != 14 {
		t.Errorf("pages of a line have %q", all)
	}
}

func TestPage_WaitsForTheEndOfALineThatStillGrows(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	appendTo(t, l, "1a", "one\ntw")
	r := &reader{t: t, logs: l, chosen: "instance/1a"}
	r.want(5, "instance/1a: one")
	r.want(5)
	appendTo(t, l, "1a", "o\nthre")
	r.want(5, "instance/1a: two")
	written(t, l, "1a", time.Minute) // its writer has died over it
	r.want(5, "instance/1a: thre")
	r.want(5)
	(&reader{t: t, logs: l, chosen: "instance/1a"}).want(2, "instance/1a: two", "instance/1a: thre")
}

func TestPage_KnowsTheTimesThatApronWrites(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{})
	before := time.Now().Add(-time.Millisecond)
	must(t, l.Event(web, PauseStarted))
	appendTo(t, l, "1a", "2020-01-01T00:00:00.000Z is the program's own\n")
	lines, _, err := l.Page(web, Place{}, 10)
	must(t, err)
	if len(lines) != 2 {
		t.Fatalf("lines are %+v", lines)
	}
	for _, line := range lines {
		event := line.Stream == EventsStream
		if event != (line.At.After(before) && line.Text == "[AppRunner] "+PauseStarted) || event == line.At.IsZero() {
			t.Errorf("line %+v", line)
		}
	}
}

// TestPage_GoesOnThroughRotation without losing or doubling a byte, from places that were kept in writing.
func TestPage_GoesOnThroughRotation(t *testing.T) {
	for name, inPlace := range map[string]bool{"in place": true, "copy and truncate": false} {
		t.Run(name, func(t *testing.T) {
			l := openLogs(t, t.TempDir(), Config{MaxSize: 8192, Keep: 50})
			if l.block == 0 && inPlace {
				t.Skip("the file system of the temporary directory can't cut files in place")
			}
			if !inPlace {
				l.block = 0
			}
			r := &reader{t: t, logs: l, chosen: "instance/1a"}
			r.want(1)
			var got []string
			for i := range 3000 {
				appendTo(t, l, "1a", numbered(i))
				if i%300 == 150 {
					must(t, l.rotateAll(t.Context()))
				}
				if i%10 == 0 {
					got = append(got, r.page(7)...)
				}
			}
			for more := r.page(7); more != nil; more = r.page(7) {
				got = append(got, more...)
			}
			text := strings.ReplaceAll(strings.Join(got, "\n")+"\n", "instance/1a: ", "")
			if want := string(numberedUpTo(3000)); text != want {
				t.Errorf("pages have %d bytes, want %d", len(text), len(want))
			}
		})
	}
}

func TestPage_OfLongLines_IsLimitedInBytes(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{MaxSize: 1 << 30})
	r := &reader{t: t, logs: l, chosen: "instance/1a"}
	r.want(1)
	long := strings.Repeat("x", 100<<10)
	for range 30 {
		appendTo(t, l, "1a", long+"\n")
	}
	fresh := &reader{t: t, logs: l, chosen: "instance/1a"}
	if n := len(fresh.page(1000)); n < 8 || n > 11 {
		t.Errorf("the last lines are %d", n)
	}
	pages, lines := 0, 0
	for page := r.page(1000); page != nil; page = r.page(1000) {
		pages, lines = pages+1, lines+len(page)
	}
	if lines != 30 || pages < 3 || pages > 4 {
		t.Errorf("%d lines in %d pages", lines, pages)
	}
}

func TestPlace_ThatIsNone_IsAnError(t *testing.T) {
	if p, err := DecodePlace([]byte("x")); err == nil {
		t.Errorf("got %+v", p)
	}
}
