package shorthand

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SyntaxError is a text that is no shorthand.
type SyntaxError struct {
	Expected string // a character, or <what is no character>
	Received string // a character, EOF or <none>
	place
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("Expected: '%s', received: '%s' for input:\n%s", e.Expected, e.Received, e.place)
}

// DuplicateKeyError is a text that gives a key twice.
type DuplicateKeyError struct {
	Key string
	place
}

func (e *DuplicateKeyError) Error() string {
	return fmt.Sprintf("Second instance of key \"%s\" encountered for input:\n%s\nThis is often because there is a preceding \",\" instead of a space.", e.Key, e.place)
}

// place is a character of a text.
type place struct {
	text []rune
	at   int
}

// String is the text with a caret on a line of its own below the character's line.
func (p place) String() string {
	at := min(p.at, len(p.text))
	line := lastIndex(p.text[:at], '\n') + 1
	stop := len(p.text)
	if i := slices.Index(p.text[at:], '\n'); i >= 0 {
		stop = at + i
	}
	return string(p.text[:stop]) + "\n" + strings.Repeat(" ", p.at-line) + "^" + string(p.text[stop:])
}

func lastIndex(text []rune, c rune) int {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == c {
			return i
		}
	}
	return -1
}

// IsMalformed reports whether an error of Parse is about the text, and not about a file that it names.
func IsMalformed(err error) bool {
	if _, ok := errors.AsType[*SyntaxError](err); ok {
		return true
	}
	_, ok := errors.AsType[*DuplicateKeyError](err)
	return ok
}
