package recipe

import (
	"fmt"
	"strings"
)

// Fault is one thing in an apprunner.yaml that App Runner would not take, with what to write in its place.
type Fault struct {
	Line, Column int // from 1; 0 where the fault is the whole file's
	Text         string
}

// Faults are all that is wrong in a file, in its order. They are the user's.
type Faults struct {
	Name string // the file's
	List []Fault
}

// Error has a line for each fault: "apprunner.yaml:12:5: ...".
func (f *Faults) Error() string {
	lines := make([]string, len(f.List))
	for i, fault := range f.List {
		lines[i] = fault.in(f.Name)
	}
	return strings.Join(lines, "\n")
}

func (f Fault) in(name string) string {
	if f.Line == 0 {
		return name + ": " + f.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", name, f.Line, f.Column, f.Text)
}
