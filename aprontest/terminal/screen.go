package terminal

import (
	"strings"
	"time"
)

// Text is what stands on the screen, without the spaces at the ends of lines.
func (s *Terminal) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for line := range strings.SplitSeq(s.screen.String(), "\n") {
		b.WriteString(strings.TrimRight(line, " \r") + "\n")
	}
	return b.String()
}

// Raw is all that was written to the terminal so far, as it was written. After Ends it is all.
func (s *Terminal) Raw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.raw.String()
}

// See waits until the screen holds all of what is wanted, and none of what a leading ! forbids.
func (s *Terminal) See(want ...string) string {
	s.t.Helper()
	text, ok := s.Sees(patience, want...)
	if !ok {
		s.t.Fatalf("the screen does not become %q, it is:\n%s", want, strings.TrimRight(text, "\n"))
	}
	return text
}

// Sees is See for as long, and tells whether the screen was so before it returns what was there last.
func (s *Terminal) Sees(long time.Duration, want ...string) (text string, ok bool) {
	for deadline := time.Now().Add(long); ; time.Sleep(2 * time.Millisecond) {
		text = s.Text()
		if shows(text, want) {
			return text, true
		}
		if time.Now().After(deadline) {
			return text, false
		}
	}
}

func shows(text string, want []string) bool {
	for _, w := range want {
		if unwanted, ok := strings.CutPrefix(w, "!"); ok == strings.Contains(text, unwanted) {
			return false
		}
	}
	return true
}

// marked is what the program switched on in the terminal and did not switch off, as far as it was read.
func (s *Terminal) marked() string {
	raw := s.Raw()
	for _, mode := range []struct{ on, off, name string }{
		{"\x1b[?25l", "\x1b[?25h", "a hidden cursor"},
		{"\x1b[?2004h", "\x1b[?2004l", "marked pastes"},
		{"\x1b[?1049h", "\x1b[?1049l", "the alternate screen"},
		{"\x1b[?1h", "\x1b[?1l", "other arrow keys"},
	} {
		if strings.LastIndex(raw, mode.on) > strings.LastIndex(raw, mode.off) {
			return mode.name
		}
	}
	return ""
}
