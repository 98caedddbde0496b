package prompt

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// toolbar names the keys, below everything else. F1 names them all. A screen too low for it has none.
func (u *ui) toolbar() []string {
	if u.height < 6 {
		return nil
	}
	rows := []string{strings.Repeat("─", max(0, u.width))}
	if u.help {
		return append(rows, u.allKeys()...)
	}
	text := ""
	if u.search {
		text = searching + "bck-i-search" + plainText + "    "
	}
	for i, k := range u.keysHere() {
		if i > 0 {
			text += "    "
		}
		text += keyed(k)
	}
	rows = append(rows, strings.Split(ansi.Wordwrap(text, max(1, u.width), ""), "\n")...)
	return rows[:min(len(rows), 3)]
}

// allKeys lists the keys of what has the focus, one a row, as far as half the screen holds them.
func (u *ui) allKeys() (rows []string) {
	for _, k := range u.keysOf(u.focus) {
		rows = append(rows, keyed(k))
	}
	return rows[:min(len(rows), u.height/2)]
}

type shortKey struct{ key, does string }

func keyed(k shortKey) string { return keyName + "[" + k.key + "]" + plainText + " " + k.does }

// keysHere are those of the toolbar.
func (u *ui) keysHere() []shortKey {
	help, next := shortKey{"F1", "Show Shortkey Help"}, shortKey{"F2", "Focus on next panel"}
	switch u.focus {
	case onDoc:
		return []shortKey{help, next, {"q", "Focus on Input"}}
	case onOutput:
		return []shortKey{help, next, {"F3", "Hide/Show Docs"}, {"F5", "Hide/Show Output"}}
	}
	return []shortKey{{"ENTER", "Autocomplete Choice/Execute Command"}, help, next, {"F3", "Hide/Show Docs"}, {"F5", "Hide/Show Output"}}
}

func (u *ui) keysOf(f focus) []shortKey {
	common := []shortKey{{"F1", "Hide Shortkey Help"}, {"F2", "Focus on next panel"}, {"F3", "Hide/Show Docs"}, {"F5", "Hide/Show Output"}}
	if f != onLine {
		return append([]shortKey{
			{"/", "Search Forward"}, {"?", "Search Backward"}, {"n", "Find Next Match"}, {"N", "Find Previous Match"}, {"w", "Go Up a Page"}, {"z", "Go Down a Page"},
			{"k", "Go Up a Line"}, {"j", "Go Down a Line"}, {"g", "Go to Top"}, {"G", "Go to Bottom"}, {"q", "Focus on Input"},
		}, common...)
	}
	return append([]shortKey{{"ENTER", "Autocomplete Choice/Execute Command"}, {"TAB", "Next Choice"}, {"F4", "One/Multi column prompt"}, {"CONTROL+R", "On/Off bck-i-search"}, {"CONTROL+C", "Leave"}}, common...)
}
