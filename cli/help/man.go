package help

import "strings"

// Man returns the page for man, under a name such as apron-apprunner-pause-service.
func (p *Page) Man(name string) string {
	m := manual{}
	m.request(".TH", quote(strings.ToUpper(name)), `"1"`, `""`, `"apron"`, `" "`) // the last leaves room for a long name
	for i, s := range p.Sections {
		m.request(".SH", quote(s.Heading))
		if i == 0 {
			m.request(escape(name) + ` \- ` + summary(p.Summary)) // the form that whatis and apropos read
			s.Blocks = s.Blocks[min(1, len(s.Blocks)):]
		}
		m.blocks(s.Blocks)
	}
	return m.String()
}

// manual writes the language of man pages.
type manual struct {
	strings.Builder
	depth int // how many indents are open
}

func (m *manual) request(words ...string) { m.WriteString(strings.Join(words, " ") + "\n") }

func (m *manual) blocks(blocks []Block) {
	for i, b := range blocks {
		tight := i > 0 && blocks[i-1].Kind == Term && b.Depth > blocks[i-1].Depth
		m.indent(b.Depth)
		m.block(b, tight)
	}
	m.indent(0)
}

// indent opens or closes indents until there are that many.
func (m *manual) indent(depth int) {
	for ; m.depth < depth; m.depth++ {
		m.request(".RS", "4")
	}
	for ; m.depth > depth; m.depth-- {
		m.request(".RE")
	}
}

func (m *manual) block(b Block, tight bool) {
	switch b.Kind {
	case Heading:
		m.request(".SS", quote(b.Text))
		return
	case Item:
		m.request(".IP", `\(bu`, "2")
	default:
		if !tight {
			m.request(".PP")
		}
	}
	if b.Kind == Literal {
		m.request(".nf")
		defer m.request(".fi")
	}
	for l := range strings.Lines(b.Text) {
		m.request(textLine(strings.TrimSuffix(l, "\n")))
	}
}

// textLine escapes a line that may begin like a request.
func textLine(text string) string {
	if text = escape(text); strings.HasPrefix(text, ".") || strings.HasPrefix(text, `\(aq`) {
		return `\&` + text
	}
	return text
}

// escape replaces what means something to the typesetter, and sets marked words in bold.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	for i := 0; strings.Contains(text, mark); i++ {
		text = strings.Replace(text, mark, []string{`\fB`, `\fR`}[i%2], 1)
	}
	return text
}

// quote makes one argument of a heading. No heading has quotes of its own.
func quote(text string) string { return `"` + escape(text) + `"` }

// summary is the first sentence as whatis shows it, without marks.
func summary(text string) string {
	first, _, _ := strings.Cut(text, ". ")
	return escape(strings.ReplaceAll(strings.TrimSuffix(first, "."), mark, ""))
}
