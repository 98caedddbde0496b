package prompt

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"apron/cli/complete"
)

// menuView draws the part of the menu around what is chosen, from the column in which the word that it completes begins,
// or as far left of it as it needs.
func (u *ui) menuView(column int) []string {
	if !u.menu.open {
		return nil
	}
	if u.columns {
		return u.grid()
	}
	height := u.menuHeight()
	first := window(u.menu.chosen, len(u.menu.items), height)
	shown := u.menu.items[first:min(len(u.menu.items), first+height)]
	labels, about := u.menuWidths(shown)
	indent := max(0, min(column, u.width-labels-about))
	var rows []string
	for i, s := range shown {
		text := " " + pad(label(s), labels-1)
		if about > 0 {
			text += faint + " " + pad(meta(s), about-1)
		}
		rows = append(rows, strings.Repeat(" ", indent)+mark(text, first+i == u.menu.chosen))
	}
	return rows
}

// menuWidths are those of the names and of what is said of them, which gets what the names leave.
func (u *ui) menuWidths(shown []complete.Suggestion) (labels, about int) {
	for _, s := range shown {
		labels = max(labels, ansi.StringWidth(label(s))+2)
		about = max(about, ansi.StringWidth(meta(s))+1)
	}
	labels = min(labels, u.width)
	if about == 1 || u.width-labels < 8 {
		return labels, 0
	}
	return labels, min(about, u.width-labels)
}

// grid draws the names alone, in columns that are read downwards.
func (u *ui) grid() []string {
	height, width := u.menuHeight(), 0
	for _, s := range u.menu.items {
		width = max(width, ansi.StringWidth(label(s))+2)
	}
	width = min(width, u.width)
	across := max(1, u.width/max(1, width))
	if rows := (len(u.menu.items) + across - 1) / across; rows < height {
		height = rows
	}
	page := max(0, u.menu.chosen) / (height * across) * height * across
	rows := make([]string, height)
	for i := page; i < min(len(u.menu.items), page+height*across); i++ {
		rows[(i-page)%height] += mark(pad(" "+label(u.menu.items[i]), width), i == u.menu.chosen)
	}
	return rows
}

// window is the first item shown, so that the chosen one is, with two around it where there are.
func window(chosen, items, height int) int {
	margin := min(2, (height-1)/2)
	return max(0, min(chosen-height+1+margin, items-height))
}

func mark(text string, chosen bool) string {
	if chosen {
		return chosenRow + ansi.Strip(text) + plainText
	}
	return text + plainText
}

func label(s complete.Suggestion) string {
	if s.Required && strings.HasPrefix(s.Word, "--") {
		return s.Label() + " (required)"
	}
	return s.Label()
}

func meta(s complete.Suggestion) string {
	if s.Type == "" {
		return s.Doc
	}
	return strings.TrimRight("["+s.Type+"] "+s.Doc, " ")
}
