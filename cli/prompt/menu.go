package prompt

import (
	"strings"

	"apron/cli/complete"
)

// menu is what may replace the end of the line, and which of it is chosen.
type menu struct {
	items  []complete.Suggestion
	chosen int    // or none, which leaves the line as it was typed
	typed  editor // the line before one was chosen
	open   bool
}

const none = -1

// show opens the menu, unless it holds nothing that would change the line.
func (m *menu) show(items []complete.Suggestion, line editor) {
	*m = menu{items: items, chosen: none, typed: line}
	m.open = len(items) > 1 || len(items) == 1 && m.with(items[0]).text != line.text
}

func (m *menu) close() { *m = menu{chosen: none} }

// with is the line with the suggestion in its place.
func (m *menu) with(s complete.Suggestion) editor {
	line := m.typed
	rest := line.text[line.at:]
	line.set(line.text[:s.Start] + s.Text)
	line.text += rest
	return line
}

// move chooses another suggestion, in a ring in which none is one of them, and returns the line with it.
func (m *menu) move(by int) editor {
	ring := len(m.items) + 1
	m.chosen = (m.chosen+1+by+ring)%ring - 1
	if m.chosen == none {
		return m.typed
	}
	return m.with(m.items[m.chosen])
}

// openDirectory reports whether the word before the cursor names a directory, whose files come next.
func openDirectory(line editor) bool {
	word := line.before()[strings.LastIndexByte(line.before(), ' ')+1:]
	return strings.HasSuffix(word, "/") && (strings.HasPrefix(word, "file://") || strings.HasPrefix(word, "fileb://"))
}
