package complete_test

import (
	"testing"

	"apron/cli/complete"
	"apron/cli/model"
	"apron/cli/shlex"
)

// FuzzComplete holds that any line can be completed, and that what replaces its last word is one word: the one promised.
func FuzzComplete(f *testing.F) {
	for _, line := range append(append([]string{`--query="a`, "apprunner create-service --source-configuration ImageRepository={ImageIdentifier=a},[", "--", "é --x"}, lines...), prompted...) {
		f.Add(line)
	}
	services := []*model.Service{service(f)}
	f.Fuzz(func(t *testing.T, line string) {
		c := complete.Completer{Services: services, Match: complete.Fuzzy}
		for _, s := range c.Complete(t.Context(), line) {
			if s.Start > len(line) {
				t.Fatalf("%q: %+v begins behind the line", line, s)
			}
			words, err := shlex.Split(s.Text)
			if err != nil { // a quote was open and is still
				words, err = shlex.Split(s.Text + s.Text[:1])
			}
			if err != nil || len(words) != 1 || words[0] != s.Word {
				t.Fatalf("%q: %q reads as %q (%v), not as %q", line, s.Text, words, err, s.Word)
			}
		}
	})
}
