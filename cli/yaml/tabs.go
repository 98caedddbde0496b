package yaml

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// checkTabs refuses tabs outside quoted and block scalars and comments. The library takes them for space, as YAML allows,
// but ruamel.yaml does not. A text without a document has no root.
func checkTabs(text string, root *yaml.Node) error {
	if !strings.Contains(text, "\t") {
		return nil
	}
	s := tabScanner{starts: map[place]scalarStart{}}
	if root != nil {
		s.find(root, 0, map[*yaml.Node]bool{})
	}
	return s.scan([]rune(text))
}

// place is a line and a column, from 1.
type place struct{ line, column int }

// scalarStart is a scalar that is not plain.
type scalarStart struct {
	block  bool
	indent int // the least that the lines of a block are indented by
}

type tabScanner struct {
	starts map[place]scalarStart
	at     place
	text   []rune
	i      int
}

// find collects where scalars begin that may hold tabs.
func (s *tabScanner) find(n *yaml.Node, indent int, seen map[*yaml.Node]bool) {
	if n.Kind == yaml.AliasNode || seen[n] {
		return
	}
	seen[n] = true
	switch {
	case n.Kind == yaml.ScalarNode && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		s.starts[place{n.Line, n.Column}] = scalarStart{}
	case n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		s.starts[place{n.Line, n.Column}] = scalarStart{block: true, indent: indent}
	}
	if n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0 {
		indent = blockColumn(n)
	}
	for _, child := range n.Content {
		s.find(child, indent, seen)
	}
}

// blockColumn is the column in which the entries of a block collection stand: that of the collection, or of its first
// entry where a tag or an anchor stands before it. What is in an entry is indented by at least as much.
func blockColumn(n *yaml.Node) int {
	first := n.Content[0].Column
	if n.Kind == yaml.SequenceNode {
		first -= len("- ")
	}
	return min(n.Column, first)
}

func (s *tabScanner) scan(text []rune) error {
	s.text, s.at = text, place{1, 1}
	for s.i < len(s.text) {
		start, ok := s.starts[s.at]
		switch r := s.text[s.i]; {
		case ok && start.block:
			if err := s.skipHeader(); err != nil {
				return err
			}
			s.skipBlock(start.indent)
		case ok:
			s.skipQuoted()
		case r == '#' && (s.i == 0 || strings.ContainsRune(" \t\r\n", s.text[s.i-1])):
			s.skipLine()
		case r == '\t':
			return s.fault()
		default:
			s.next()
		}
	}
	return nil
}

func (s *tabScanner) fault() error {
	return &SyntaxError{Problem: `found character '\t' that cannot start any token`, Line: s.at.line}
}

func (s *tabScanner) next() {
	s.at.column++
	if r := s.text[s.i]; r == '\n' || r == '\r' && (s.i+1 == len(s.text) || s.text[s.i+1] != '\n') {
		s.at = place{s.at.line + 1, 1}
	}
	s.i++
}

func (s *tabScanner) skipLine() {
	for line := s.at.line; s.i < len(s.text) && s.at.line == line; {
		s.next()
	}
}

// skipProperties passes over the tag and the anchor of a scalar.
func (s *tabScanner) skipProperties() {
	for s.i < len(s.text) && strings.ContainsRune("!&", s.text[s.i]) {
		for s.i < len(s.text) && !strings.ContainsRune(" \t\r\n", s.text[s.i]) {
			s.next()
		}
		for s.i < len(s.text) && strings.ContainsRune(" \r\n", s.text[s.i]) {
			s.next()
		}
	}
}

func (s *tabScanner) skipQuoted() {
	s.skipProperties()
	if s.i == len(s.text) || !strings.ContainsRune(`'"`, s.text[s.i]) {
		return // at a tab, which scan refuses
	}
	quote := s.text[s.i]
	s.next()
	for s.i < len(s.text) && s.text[s.i] != quote {
		if s.text[s.i] == '\\' && quote == '"' {
			s.next()
		}
		s.next()
	}
	if s.i < len(s.text) {
		s.next()
	}
}

// skipHeader passes over the line that a block scalar begins on.
func (s *tabScanner) skipHeader() error {
	s.skipProperties()
	for s.i < len(s.text) && !strings.ContainsRune("#\r\n", s.text[s.i]) {
		if s.text[s.i] == '\t' {
			return s.fault()
		}
		s.next()
	}
	s.skipLine()
	return nil
}

// skipBlock passes over the lines of a block scalar: those that are blank or indented by at least that.
func (s *tabScanner) skipBlock(indent int) {
	for s.i < len(s.text) {
		line := s.text[s.i:]
		spaces := 0
		for spaces < len(line) && line[spaces] == ' ' {
			spaces++
		}
		if spaces < indent && spaces < len(line) && line[spaces] != '\n' && line[spaces] != '\r' {
			return
		}
		s.skipLine()
	}
}
