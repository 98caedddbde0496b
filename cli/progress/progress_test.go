package progress_test

import (
	"bytes"
	"testing"
	"time"

	"apron/cli/progress"
)

// TestLine_IsALineAStepWhereThereIsNoTerminal: logs of build machines are read later, and each line in them costs a look.
// What it does on a terminal is tested with a real one, in package verb.
func TestLine_IsALineAStepWhereThereIsNoTerminal(t *testing.T) {
	var b bytes.Buffer
	l := progress.New(&b)
	for _, text := range []string{"pausing", "pausing: drain", "pausing: drain", "pausing: stop", "pausing"} {
		l.Show(text)
	}
	l.Clear()
	if got, want := b.String(), "pausing\npausing: drain\npausing: stop\n"; got != want || l.Redraws() {
		t.Errorf("it wrote %q, want %q; redraws: %v", got, want, l.Redraws())
	}
	silent := progress.New(nil)
	silent.Show("pausing")
	silent.Clear()
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                "0ms",
		999 * time.Millisecond:           "999ms",
		1999 * time.Millisecond:          "1s",
		61 * time.Second:                 "1m1s",
		47*time.Hour + 59*time.Minute:    "47h59m",
		50*time.Hour + 30*time.Minute:    "2d2h",
		time.Hour + 59*time.Second + 1e6: "1h0m",
	} {
		if got := progress.Short(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
