package prompt

import (
	tea "charm.land/bubbletea/v2"
)

// key does what a key means where the focus is. Those of the whole prompt come first.
func (u *ui) key(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "ctrl+c", "ctrl+d":
		return u.end(left)
	case "ctrl+z":
		return tea.Suspend
	case "f1":
		u.help = !u.help
	case "f2":
		u.turnFocus()
	case "f3":
		return u.toggle(&u.doc, onDoc)
	case "f4":
		u.columns = !u.columns
	case "f5":
		return u.toggle(&u.output, onOutput)
	default:
		if u.focus != onLine {
			u.panelKey(k)
			return nil
		}
		return u.lineKey(k)
	}
	return nil
}

func (u *ui) end(how ending) tea.Cmd {
	u.ended = how
	return tea.Quit
}

// turnFocus moves the focus to the next of what is shown.
func (u *ui) turnFocus() {
	for {
		u.focus = (u.focus + 1) % 3
		if u.focus == onLine || u.panel().shown {
			return
		}
	}
}

func (u *ui) toggle(p *panel, its focus) tea.Cmd {
	p.shown = !p.shown
	if u.focus == its {
		u.focus = onLine
	}
	return u.describe()
}

func (u *ui) panelKey(k tea.KeyPressMsg) {
	p := u.panel()
	switch name := k.String(); {
	case p.asking != "":
		p.ask(name, k.Text)
	case name == "q":
		u.focus = onLine
	default:
		p.key(name, u.panelHeight())
	}
}

// lineKey is a key while the line has the focus.
func (u *ui) lineKey(k tea.KeyPressMsg) tea.Cmd {
	switch name := k.String(); name {
	case "enter", "ctrl+j":
		return u.enter()
	case "tab", "ctrl+i":
		return u.tab(1)
	case "shift+tab":
		return u.tab(-1)
	case "down", "ctrl+n":
		u.vertical(1, u.history.newer)
	case "up", "ctrl+p":
		u.vertical(-1, u.history.older)
	case "pgdown", "pgup":
		u.page(map[string]int{"pgdown": 1, "pgup": -1}[name])
	case "ctrl+r":
		u.search = !u.search
		return u.edited()
	case "esc":
		return u.escape()
	default:
		return u.edit(name, k)
	}
	return nil
}

// edit changes the line or moves its cursor. A space after an earlier line that was chosen ends the search.
func (u *ui) edit(name string, k tea.KeyPressMsg) tea.Cmd {
	before := u.line.text
	if u.line.key(name) {
		if u.line.text == before {
			u.menu.close()
			u.waiting = false
			u.edits++
			return nil
		}
		return u.edited()
	}
	if k.Text == "" {
		return nil
	}
	if k.Text == " " && u.menu.open && u.menu.chosen != none {
		u.search = false
	}
	return u.typed(k.Text)
}

// enter takes what is chosen and closes the menu; without a menu it ends the prompt.
func (u *ui) enter() tea.Cmd {
	if !u.menu.open {
		return u.end(ran)
	}
	u.menu.close()
	u.search = false
	if openDirectory(u.line) {
		return u.edited()
	}
	return u.describe()
}

// tab walks through the menu, which opens first if it is not there.
func (u *ui) tab(by int) (ask tea.Cmd) {
	if u.menu.open {
		u.line = u.menu.move(by)
		return nil
	}
	if !u.waiting {
		ask = u.edited()
	}
	if u.waiting {
		u.tabbed = by
	}
	return ask
}

// vertical walks through the menu, or through earlier lines if there is none.
func (u *ui) vertical(by int, earlier func(string) (string, bool)) {
	if u.menu.open {
		u.line = u.menu.move(by)
		return
	}
	if line, ok := earlier(u.line.text); ok {
		u.line.set(line)
		u.edits++
		u.waiting = false
	}
}

func (u *ui) page(by int) {
	for range u.menuHeight() {
		if next := u.menu.chosen + by; u.menu.open && next >= 0 && next < len(u.menu.items) {
			u.line = u.menu.move(by)
		}
	}
}

// escape leaves the search, or takes back what was chosen.
func (u *ui) escape() tea.Cmd {
	if u.menu.open {
		u.line = u.menu.typed
	}
	u.menu.close()
	u.search = false
	return nil
}
