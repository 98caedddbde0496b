package verb

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// line shows how far something has come: on a terminal in one line that is written anew, elsewhere in a line for each
// step. It leaves the terminal's modes and its cursor alone, so that there is nothing to put back whatever happens.
type line struct {
	w        io.Writer // nil: it shows nothing
	terminal *os.File  // nil: w is none
	began    time.Time
	turn     int
	said     map[string]bool // what was written where w is no terminal
	drawn    bool
}

func newLine(w io.Writer) *line {
	l := &line{w: w, began: time.Now(), said: map[string]bool{}}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		l.terminal = f
	}
	return l
}

const turning = `|/-\`

// show tells what is going on now.
func (l *line) show(text string) {
	switch {
	case l.w == nil:
	case l.terminal != nil:
		l.turn++
		whole := fmt.Sprintf("%c %s  %s", turning[l.turn%len(turning)], text, short(time.Since(l.began)))
		fmt.Fprintf(l.w, "\r%s\x1b[K", fit(whole, l.width()))
		l.drawn = true
	case !l.said[text]:
		l.said[text] = true
		fmt.Fprintln(l.w, text)
	}
}

// clear takes the line away, before something else is written.
func (l *line) clear() {
	if l.drawn {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
	l.drawn = false
}

func (l *line) width() int {
	width, _, err := term.GetSize(int(l.terminal.Fd()))
	if err != nil {
		width = 0 // unknown, as on a serial line
	}
	return cmp.Or(width, 80)
}

// fit cuts text to a line that the terminal does not break.
func fit(text string, width int) string {
	if utf8.RuneCountInString(text) < width {
		return text
	}
	return string([]rune(text)[:max(width-2, 0)]) + "…"
}

// short is a duration as people say it, in its two largest units.
func short(d time.Duration) string {
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
