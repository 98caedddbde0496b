package control

import (
	"regexp"
	"sync"
)

// compiled returns a func that compiles the expression when it is first called: every start of the program would pay for
// them all, and most are of commands that check nothing here.
func compiled(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
