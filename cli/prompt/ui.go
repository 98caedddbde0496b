package prompt

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"apron/cli/complete"
)

// ui is the prompt on a terminal: its state, and what changes it. Drawing is in view.go, keys are in keys.go.
type ui struct {
	ctx     context.Context
	ask     Config
	line    editor
	menu    menu
	history *history
	search  bool // the menu holds earlier lines
	doc     panel
	output  panel
	focus   focus
	help    bool
	columns bool // the menu has as many as fit

	width, height int
	edits         int       // counts the changes of the line, so that a late answer to an earlier one is dropped
	waiting       bool      // for what may follow the line
	tabbed        int       // by a tab before the menu was there: which way it is to move in it
	held          []tea.Msg // what was typed after such a tab, which decides what it is typed after
	ended         ending
}

// focus is what takes the keys.
type focus int

const (
	onLine focus = iota
	onDoc
	onOutput
)

// ending is how the prompt ended, if it did.
type ending int

const (
	open ending = iota
	ran
	left
)

func newUI(ctx context.Context, c Config, line string) *ui {
	u := &ui{ctx: ctx, ask: c, history: openHistory(c.History), doc: panel{title: "Doc panel"}, output: panel{title: "Output panel"}}
	u.width, u.height = 80, 24
	u.line.set(line)
	u.menu.close()
	return u
}

// answer is what may follow the line as it was after that many edits.
type answer struct {
	edits int
	items []complete.Suggestion
}

// texts are what the panels show for the line as it was after that many edits.
type texts struct {
	edits       int
	doc, output string
}

// leave tells the prompt to end, as Ctrl-C does.
type leave struct{}

// Init asks for the first menu.
func (u *ui) Init() tea.Cmd { return u.edited() }

// Update takes one event.
func (u *ui) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case leave:
		return u, u.end(left)
	case tea.WindowSizeMsg:
		u.width, u.height = msg.Width, msg.Height
	case tea.PasteMsg, tea.KeyPressMsg:
		return u, u.input(msg)
	case answer:
		if msg.edits == u.edits {
			u.waiting = false
			u.answered(msg.items)
			return u, u.release()
		}
	case texts:
		if msg.edits == u.edits {
			u.doc.set(msg.doc)
			u.output.set(msg.output)
		}
	}
	return u, nil
}

// input takes what was typed or pasted, or holds it while a tab waits for its menu. Only to leave needs no waiting.
func (u *ui) input(msg tea.Msg) tea.Cmd {
	key, isKey := msg.(tea.KeyPressMsg)
	switch {
	case u.ended != open:
		return nil
	case u.tabbed != 0 && key.String() != "ctrl+c":
		u.held = append(u.held, msg)
		return nil
	case isKey:
		return u.key(key)
	}
	return u.typed(msg.(tea.PasteMsg).Content)
}

// release takes what was held; another tab among it may hold the rest.
func (u *ui) release() tea.Cmd {
	held := u.held
	u.held = nil
	var all []tea.Cmd
	for _, msg := range held {
		all = append(all, u.input(msg))
	}
	return tea.Batch(all...)
}

// edited is called after each change of the line: what may follow is asked for, and until it is known no menu is shown.
func (u *ui) edited() tea.Cmd {
	u.edits++
	u.menu.close()
	u.history.at = 0
	if u.search {
		u.menu.show(u.history.search(u.line.before()), u.line)
		return nil
	}
	u.waiting = true
	edits, line := u.edits, u.line.before()
	return tea.Batch(u.describe(), func() tea.Msg {
		return answer{edits, complete.RequiredFirst(u.ask.Complete(u.ctx, line))}
	})
}

// describe asks for the texts of the panels that are shown.
func (u *ui) describe() tea.Cmd {
	if !u.doc.shown && !u.output.shown {
		return nil
	}
	t := texts{edits: u.edits}
	line, doc, output := u.line.text, u.doc.shown, u.output.shown
	return func() tea.Msg {
		if doc && u.ask.Doc != nil {
			t.doc = u.ask.Doc(line)
		}
		if output && u.ask.Output != nil {
			t.output = u.ask.Output(line)
		}
		return t
	}
}

// answered shows the menu, and does what the tab meant that came before it.
func (u *ui) answered(items []complete.Suggestion) {
	u.menu.show(offered(items), u.line)
	if u.menu.open && u.tabbed != 0 {
		u.line = u.menu.move(u.tabbed)
	}
	u.tabbed = 0
}

// offered leaves out the options that ask for a prompt or for none: this is one.
func offered(items []complete.Suggestion) (kept []complete.Suggestion) {
	for _, s := range items {
		if s.Word != onOption && s.Word != offOption {
			kept = append(kept, s)
		}
	}
	return kept
}

func (u *ui) typed(text string) tea.Cmd {
	if u.focus != onLine {
		if p := u.panel(); p.asking != "" {
			p.ask("", text)
		}
		return nil
	}
	u.line.insert(text)
	return u.edited()
}

// panel is the one with the focus.
func (u *ui) panel() *panel {
	if u.focus == onOutput {
		return &u.output
	}
	return &u.doc
}
