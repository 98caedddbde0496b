package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that cannot be built as it is written, with what to write in its place.
type Fault struct {
	Line, Column int // from 1; 0 where no place in the file is meant
	Text         string
}

// Faults are all that is wrong in a file, in the file's order. They are the user's.
type Faults struct {
	Name string // the file's
	List []Fault
}

// maxShown faults are shown: whoever reads them mends those and asks again.
const maxShown = 20

// Error has a line for each fault: "apprunner.yaml:12:5: ...".
func (f *Faults) Error() string {
	var lines []string
	for _, fault := range f.List[:min(len(f.List), maxShown)] {
		lines = append(lines, fault.in(f.Name))
	}
	if more := len(f.List) - maxShown; more > 0 {
		lines = append(lines, fmt.Sprintf("%s: and %d more. Mend these first.", f.Name, more))
	}
	return strings.Join(lines, "\n")
}

func (f Fault) in(name string) string {
	if f.Line == 0 {
		return name + ": " + f.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", name, f.Line, f.Column, f.Text)
}

func sortFaults(faults []Fault) {
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// shown is a text out of a file as errors show it: quoted, and not all of it when it is long. Commands and the values of
// variables are not shown at all.
func shown(text string) string {
	if runes := []rune(text); len(runes) > 64 {
		text = string(runes[:64]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

// sentence is a list of words for people: "a, b and c".
func sentence(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
