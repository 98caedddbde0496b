// Package help writes the pages that `help` shows after any command: a section a subject, laid out as AWS's CLI lays out
// its own, because people and their scripts know where to look. It makes a page from an API's model and the texts beside
// this file, renders it for a terminal, a pipe or man, and hands it to the pager. It never runs a command nor asks a
// server.
package help

// Page is what one `help` shows: sections of blocks, which know nothing of the width or the kind of what they are
// shown on.
type Page struct {
	Name     string // of the command, as its synopsis begins: pause-service
	Summary  string // one sentence, for lists of pages
	Sections []Section
}

// Section is a heading in capitals with what stands below it.
type Section struct {
	Heading string
	Blocks  []Block
}

// Block is a part of a section that is laid out as one. What stands between marks is typed as it stands.
type Block struct {
	Kind  Kind
	Depth int
	Text  string
}

// Kind is how a block is laid out.
type Kind int

// The kinds of blocks.
const (
	Paragraph Kind = iota
	Term           // a paragraph that what is indented below belongs to
	Item           // of a list
	Literal        // kept as it is, line by line
	Heading        // of a part of a section
)

func (s *Section) add(kind Kind, depth int, text string) {
	if text != "" {
		s.Blocks = append(s.Blocks, Block{Kind: kind, Depth: depth, Text: text})
	}
}

// items adds an item for each text.
func (s *Section) items(texts ...string) {
	for _, t := range texts {
		s.add(Item, 0, t)
	}
}

// section returns a section with a paragraph for each text.
func section(heading string, texts ...string) Section {
	s := Section{Heading: heading}
	for _, t := range texts {
		s.add(Paragraph, 0, t)
	}
	return s
}

// mark is on either side of what is typed as it stands. Literals have none.
const mark = "`"

func code(text string) string { return mark + text + mark }
