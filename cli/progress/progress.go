// Package progress shows on a terminal how far something has come, in one line that is written anew, and elsewhere in a
// line for each step. It leaves the terminal's modes and its cursor alone, so that there is nothing to put back whatever
// happens.
package progress

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// Line is what shows it. It is not safe for concurrent use.
type Line struct {
	w        io.Writer // nil: it shows nothing
	terminal *os.File  // nil: w is none
	began    time.Time
	turn     int
	said     map[string]bool // what was written where w is no terminal
	drawn    bool
}

// New returns a line on w, which begins to count the time now. A nil w shows nothing.
func New(w io.Writer) *Line {
	l := &Line{w: w, began: time.Now(), said: map[string]bool{}}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		l.terminal = f
	}
	return l
}

// Redraws reports whether the line is on a terminal, where it costs nothing to show a number that changes often.
func (l *Line) Redraws() bool { return l.terminal != nil }

const turning = `|/-\`

// Show tells what is going on now.
func (l *Line) Show(text string) {
	switch {
	case l.w == nil:
	case l.terminal != nil:
		l.turn++
		whole := fmt.Sprintf("%c %s  %s", turning[l.turn%len(turning)], text, Short(time.Since(l.began)))
		fmt.Fprintf(l.w, "\r%s\x1b[K", Fit(whole, l.width()))
		l.drawn = true
	case !l.said[text]:
		l.said[text] = true
		fmt.Fprintln(l.w, text)
	}
}

// Clear takes the line away, before something else is written.
func (l *Line) Clear() {
	if l.drawn {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
	l.drawn = false
}

func (l *Line) width() int {
	width, _, err := term.GetSize(int(l.terminal.Fd()))
	if err != nil {
		width = 0 // unknown, as on a serial line
	}
	return cmp.Or(width, 80)
}

// Fit cuts text to a line that the terminal does not break.
func Fit(text string, width int) string {
	if utf8.RuneCountInString(text) < width {
		return text
	}
	return string([]rune(text)[:max(width-2, 0)]) + "…"
}

// Short is a duration as people say it, in its two largest units.
func Short(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}
