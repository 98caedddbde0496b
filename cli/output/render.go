package output

import "strings"

// render draws the boxes, all as wide as the widest. In a terminal that is too narrow, single rows are on their side.
func (t *table) render(p *pen, terminalWidth int) {
	width := t.width()
	if width > terminalWidth {
		for i, s := range t.sections {
			t.sections[i] = s.turn()
		}
		width = t.width()
	}
	p.write(strings.Repeat("-", width) + "\n")
	for _, s := range t.sections {
		s.render(p, width-2*s.depth)
	}
}

func (t *table) width() int {
	width := 0
	for _, s := range t.sections {
		width = max(width, s.width())
	}
	return width
}

func (s *section) render(p *pen, width int) {
	s.renderTitle(p, width)
	if len(s.header) == 0 && len(s.rows) == 0 || len(s.widths) == 0 {
		return
	}
	widths := s.spread(width)
	if len(s.header) > 0 {
		p.line(rule(widths), s.depth)
		p.line(joinCells(widths, s.header, center), s.depth)
	}
	if len(s.rows) == 0 {
		return
	}
	p.line(rule(widths), s.depth)
	for _, row := range s.rows {
		p.line(joinCells(widths, row, p.left), s.depth)
	}
	p.line(rule(widths), s.depth)
}

func (s *section) renderTitle(p *pen, width int) {
	if s.title == nil || *s.title == "" {
		return
	}
	p.line("|"+center(*s.title, width, 1), s.depth)
	if len(s.header) == 0 && len(s.rows) == 0 {
		p.line("+"+strings.Repeat("-", width-2)+"+", s.depth)
	}
}

// rule is the line between rows.
func rule(widths []int) string {
	var b strings.Builder
	b.WriteByte('+')
	for i, w := range widths {
		b.WriteString(strings.Repeat("-", max(w-1-edge(i), 0)) + "+")
	}
	return b.String()
}

// edge is how much of column i its left edge takes: the first has one, the others share their neighbour's.
func edge(i int) int {
	if i == 0 {
		return 1
	}
	return 0
}

// joinCells puts each text into its column by means of place, with edges between.
func joinCells(widths []int, cells []string, place func(text string, width, edge int) string) string {
	var b strings.Builder
	b.WriteByte('|')
	for i, c := range cells[:min(len(cells), len(widths))] {
		b.WriteString(place(c, widths[i], edge(i)))
	}
	return b.String()
}

// center puts text into the middle of a column of that width, behind a left edge of that width and before a right one.
func center(text string, width, edge int) string {
	length := textWidth(text)
	before := width/2 - length/2 - 1
	return spaces(before) + text + spaces(width-1-edge-before-length) + "|"
}

// left puts text at the left of its column, indented where there is room.
func (p *pen) left(text string, width, edge int) string {
	length, indent := textWidth(text), 2
	if width < length+indent+edge+1 {
		indent = 0
	}
	return spaces(indent) + p.cell(text) + spaces(width-edge-indent-length-1) + "|"
}

func spaces(n int) string { return strings.Repeat(" ", max(n, 0)) }
