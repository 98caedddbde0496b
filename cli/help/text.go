package help

import (
	"strings"
	"unicode/utf8"
)

// margin is where the text of a section begins. Each depth adds three and a half columns, rounded down, as in the pages
// of AWS's CLI, which come from a typesetter.
const margin = 7

func column(depth int) int { return margin + depth*7/2 }

// Text returns the page for a screen of that many columns. If bold, what is typed as it stands is overstruck, which
// is what pagers and col read.
func (p *Page) Text(columns int, bold bool) string {
	w := writer{width: columns - 2, bold: bold}
	title := strings.ToUpper(p.Name) + "()"
	w.line(0, title+strings.Repeat(" ", max(1, w.width-2*len(title)))+title)
	w.gap(3)
	for _, s := range p.Sections {
		w.line(0, code(s.Heading))
		w.blocks(s.Blocks)
	}
	w.gap(2)
	w.line(max(0, w.width-len(title)), title)
	return w.String()
}

type writer struct {
	strings.Builder
	width int
	bold  bool
}

func (w *writer) gap(lines int) { w.WriteString(strings.Repeat("\n", lines)) }

func (w *writer) blocks(blocks []Block) {
	for i, b := range blocks {
		w.block(b)
		if tight := i+1 < len(blocks) && (b.Kind == Heading || b.Kind == Term && blocks[i+1].Depth > b.Depth); !tight {
			w.gap(1)
		}
	}
}

func (w *writer) block(b Block) {
	indent := column(b.Depth)
	switch b.Kind {
	case Heading:
		w.line(3, code(b.Text))
	case Literal:
		for l := range strings.Lines(b.Text) {
			w.literal(indent, strings.TrimSuffix(l, "\n"))
		}
	case Item:
		w.fill(indent, w.bullet(), b.Text)
	default:
		w.fill(indent, "", b.Text)
	}
}

// bullet is what stands before an item, on paper-like screens a plus over an o.
func (w *writer) bullet() string {
	if w.bold {
		return "+\bo "
	}
	return "o "
}

// fill writes text in lines that end before the width does, the first of them after a bullet.
func (w *writer) fill(indent int, bullet, text string) {
	s := styler{bold: w.bold}
	hang := strings.Repeat(" ", min(len(bullet), len("o ")))
	for _, l := range wrap(text, w.width-indent-len(hang)) {
		w.literal(indent, bullet+s.apply(l))
		bullet = hang
	}
}

// line writes a line with its marks.
func (w *writer) line(indent int, text string) {
	s := styler{bold: w.bold}
	w.literal(indent, s.apply(text))
}

func (w *writer) literal(indent int, text string) {
	if text != "" {
		w.WriteString(strings.Repeat(" ", indent) + text)
	}
	w.WriteByte('\n')
}

// wrap breaks text between words. A word that is longer than a line has one to itself.
func wrap(text string, width int) (lines []string) {
	line, used := "", 0
	for word := range strings.FieldsSeq(text) {
		n := visible(word)
		if line != "" && used+1+n > width {
			lines, line, used = append(lines, line), "", 0
		}
		if line != "" {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	return append(lines, line)
}

// visible is how many columns marked text takes.
func visible(text string) int { return utf8.RuneCountInString(text) - strings.Count(text, mark) }

// styler replaces the marks of text. Words that are marked may go on from one line to the next.
type styler struct {
	bold   bool // whether anything is overstruck at all
	inside bool
}

func (s *styler) apply(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case string(r) == mark:
			s.inside = !s.inside
		case s.bold && s.inside && r != ' ':
			b.WriteString(string(r) + "\b" + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
