package prompt

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// panel is a text that can be scrolled and searched.
type panel struct {
	title   string
	text    string
	shown   bool
	top     int // the first line shown
	pattern string
	asking  string // / or ? while a pattern is typed
	lines   []string
	width   int
}

// set shows another text from its beginning.
func (p *panel) set(text string) {
	if text == "" || text == p.text {
		return
	}
	*p = panel{title: p.title, text: text, shown: p.shown, pattern: p.pattern}
}

// wrapped are the lines of the text at that width.
func (p *panel) wrapped(width int) []string {
	if p.lines == nil || p.width != width {
		clean := strings.ReplaceAll(strings.ReplaceAll(p.text, "\r", ""), "\t", "        ")
		p.lines, p.width = strings.Split(ansi.Wrap(ansi.Strip(clean), width, " "), "\n"), width
	}
	return p.lines
}

func (p *panel) scroll(by int) { p.top = max(0, min(p.top+by, len(p.lines)-1)) }

// key moves in the text as pagers do, and reports whether the key is one for that.
func (p *panel) key(name string, page int) bool {
	moves := map[string]int{
		"j": 1, "down": 1, "k": -1, "up": -1, "z": page, "pgdown": page, "w": -page, "pgup": -page,
		"g": -len(p.lines), "home": -len(p.lines), "G": len(p.lines), "end": len(p.lines),
	}
	by, moved := moves[name]
	switch {
	case moved:
		p.scroll(by)
	case name == "/" || name == "?":
		p.asking, p.pattern = name, ""
	case name == "n":
		p.find(1)
	case name == "N":
		p.find(-1)
	default:
		return false
	}
	return true
}

// ask takes the keys of a pattern that is being typed.
func (p *panel) ask(name, text string) {
	switch {
	case name == "enter":
		direction := map[string]int{"/": 1, "?": -1}[p.asking]
		p.asking = ""
		p.find(direction)
	case name == "esc":
		p.asking = ""
	case name == "backspace":
		e := editor{text: p.pattern, at: len(p.pattern)}
		e.remove(e.left())
		p.pattern = e.text
	default:
		p.pattern += text
	}
}

// find scrolls to the next line with the pattern, in small letters or capitals, around the end if need be.
func (p *panel) find(direction int) {
	pattern := strings.ToLower(p.pattern)
	for i := 1; i <= len(p.lines) && pattern != ""; i++ {
		line := (p.top + direction*i + len(p.lines)*2) % len(p.lines)
		if strings.Contains(strings.ToLower(p.lines[line]), pattern) {
			p.top = line
			return
		}
	}
}
