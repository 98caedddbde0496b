package prompt

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// How much of the screen the parts take, where it has that much.
const (
	lineRows  = 10 // the line and the menu below it
	menuRows  = 16
	panelRows = 30
)

// The marks of text. Those of colour are dropped where NO_COLOR asks for that or the terminal has none.
const (
	plainText = "\x1b[m"
	chosenRow = "\x1b[7m"
	faint     = "\x1b[2m"
	keyName   = "\x1b[36m"
	searching = "\x1b[31;42m"
)

// View draws the whole prompt; nothing once it has ended, so that the screen is as it was.
func (u *ui) View() tea.View {
	if u.ended != open {
		return tea.NewView("")
	}
	rows, column, row := u.lineView()
	cursor := tea.NewCursor(column, row)
	rows = append(rows, u.menuView(column)...)
	for len(rows) < min(lineRows, u.height-len(u.toolbar())-u.panelHeight()) {
		rows = append(rows, "")
	}
	rows = append(rows, u.panelView()...)
	rows = append(rows, u.toolbar()...)
	if over := len(rows) - u.height; over > 0 && u.height > 0 {
		above := min(over, row)
		rows, cursor.Y = rows[above:above+u.height], row-above
	}
	for i := range rows {
		rows[i] = ansi.Truncate(rows[i], u.width, "")
	}
	v := tea.NewView(strings.Join(rows, "\n"))
	if u.focus == onLine {
		v.Cursor = cursor
	}
	return v
}

// lineView is the line, over as many rows as it needs, and where its cursor stands.
func (u *ui) lineView() (rows []string, column, row int) {
	rows = split(lead+u.line.text, u.width)
	before := split(lead+u.line.before(), u.width)
	row = len(before) - 1
	column = ansi.StringWidth(before[row])
	if column >= u.width && u.width > 0 {
		row, column = row+1, 0
	}
	if row == len(rows) {
		rows = append(rows, "")
	}
	return rows, column, row
}

// split cuts text into rows; a character that is two columns wide moves to the next row as a whole.
func split(text string, width int) []string {
	if width < 2 {
		return []string{text}
	}
	return strings.Split(ansi.Hardwrap(text, width, true), "\n")
}

// menuHeight is how many rows of the menu fit.
func (u *ui) menuHeight() int {
	rows, _, _ := u.lineView()
	free := u.height - len(rows) - len(u.toolbar()) - u.panelHeight()
	return max(1, min(menuRows, free))
}

// panelHeight is how many rows the panels take, their title among them; none if none is shown or there is no room.
func (u *ui) panelHeight() int {
	free := u.height - min(lineRows, u.height/2) - len(u.toolbar())
	if !u.doc.shown && !u.output.shown || free < 2 {
		return 0
	}
	return min(panelRows+1, free)
}

// panelView draws the panels side by side.
func (u *ui) panelView() []string {
	height := u.panelHeight()
	switch {
	case height == 0:
		return nil
	case !u.output.shown:
		return u.doc.view(u.width, height)
	case !u.doc.shown:
		return u.output.view(u.width, height)
	}
	half := (u.width - 1) / 2
	rows, right := u.doc.view(half, height), u.output.view(u.width-1-half, height)
	for i := range rows {
		rows[i] = pad(rows[i], half) + "│" + right[i]
	}
	return rows
}

func (p *panel) view(width, height int) []string {
	rows := []string{title(p.title, width)}
	lines := p.wrapped(max(1, width))
	p.scroll(0)
	for _, line := range lines[p.top:min(len(lines), p.top+height-1)] {
		rows = append(rows, ansi.Truncate(line, width, ""))
	}
	for len(rows) < height {
		rows = append(rows, "")
	}
	if p.asking != "" {
		rows[height-1] = p.asking + p.pattern
	}
	return rows
}

func title(text string, width int) string {
	text = "|" + text + "|"
	free := max(0, width-len(text))
	return strings.Repeat("─", free/2) + text + strings.Repeat("─", free-free/2)
}

// pad fills text up to width, or cuts it there.
func pad(text string, width int) string {
	text = ansi.Truncate(text, width, "…")
	return text + strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
}
