package prompt

import (
	"strings"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// editor is a line of text with a cursor. It moves by what a reader sees as one character, however many runes that is.
type editor struct {
	text string
	at   int    // bytes before the cursor
	cut  string // what was last removed as a whole, for Ctrl-Y
}

func (e *editor) before() string { return e.text[:e.at] }

func (e *editor) set(text string) { e.text, e.at = text, len(text) }

// insert puts text before the cursor. Line ends and other controls become spaces: the line stays one.
func (e *editor) insert(text string) {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.TrimRight(text, "\r\n"))
	e.text = e.text[:e.at] + text + e.text[e.at:]
	e.at += len(text)
}

// remove takes away what is between the cursor and to.
func (e *editor) remove(to int) (removed string) {
	from, to := min(e.at, to), max(e.at, to)
	removed = e.text[from:to]
	e.text, e.at = e.text[:from]+e.text[to:], from
	return removed
}

// left and right are where the character before the cursor begins and the one after it ends.
func (e *editor) left() int {
	last := 0
	for g := graphemes.FromString(e.before()); g.Next(); {
		last = g.Start()
	}
	return last
}

func (e *editor) right() int {
	g := graphemes.FromString(e.text[e.at:])
	if !g.Next() {
		return e.at
	}
	return e.at + g.End()
}

// wordLeft and wordRight are the ends of the words around the cursor, which spaces part.
func (e *editor) wordLeft() int {
	return strings.LastIndexByte(strings.TrimRight(e.before(), " "), ' ') + 1
}

func (e *editor) wordRight() int {
	rest := e.text[e.at:]
	blank := len(rest) - len(strings.TrimLeft(rest, " "))
	if end := strings.IndexByte(rest[blank:], ' '); end >= 0 {
		return e.at + blank + end
	}
	return len(e.text)
}

// key edits the line as shells do, and reports whether the key is one for that.
func (e *editor) key(name string) bool {
	switch name {
	case "left", "ctrl+b":
		e.at = e.left()
	case "right", "ctrl+f":
		e.at = e.right()
	case "home", "ctrl+a":
		e.at = 0
	case "end", "ctrl+e":
		e.at = len(e.text)
	case "alt+b", "ctrl+left", "alt+left":
		e.at = e.wordLeft()
	case "alt+f", "ctrl+right", "alt+right":
		e.at = e.wordRight()
	default:
		return e.removal(name)
	}
	return true
}

func (e *editor) removal(name string) bool {
	switch name {
	case "backspace", "ctrl+h":
		e.remove(e.left())
	case "delete":
		e.remove(e.right())
	case "ctrl+w", "alt+backspace":
		e.cut = e.remove(e.wordLeft())
	case "alt+d":
		e.cut = e.remove(e.wordRight())
	case "ctrl+u":
		e.cut = e.remove(0)
	case "ctrl+k":
		e.cut = e.remove(len(e.text))
	case "ctrl+y":
		e.insert(e.cut)
	default:
		return false
	}
	return true
}
