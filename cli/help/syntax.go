package help

import (
	"fmt"
	"strings"

	"apron/cli/model"
)

// wordList shows how the words of a list are given one after another, and what each may be.
func wordList(elem *model.Shape) string {
	word := scalar(&model.Shape{Type: elem.Type})
	text := fmt.Sprintf("%s %s ...", word, word)
	if len(elem.Enum) == 0 {
		return text
	}
	return text + "\n\nWhere valid values are:\n  " + strings.Join(elem.Enum, "\n  ")
}

// jsonSyntax shows the JSON of a value: names as they are, and in the place of each value what it may be.
func jsonSyntax(s *model.Shape) string {
	var b strings.Builder
	writeSyntax(&b, s, 0, nil)
	return b.String()
}

func writeSyntax(b *strings.Builder, s *model.Shape, depth int, path []*model.Shape) {
	if count(path, s) > 1 {
		b.WriteString("{ ... recursive ... }")
		return
	}
	path = append(path, s)
	switch s.Type {
	case "structure":
		writeMembers(b, s, depth, path)
	case "list":
		writeElements(b, s, depth, path)
	case "map":
		b.WriteString("{" + scalar(s.Key) + ": ")
		writeSyntax(b, s.Elem, depth+2, path)
		b.WriteString(newline(depth+1) + "...}")
	default:
		b.WriteString(scalar(s))
	}
}

func writeMembers(b *strings.Builder, s *model.Shape, depth int, path []*model.Shape) {
	b.WriteString("{")
	if len(s.Members) == 0 {
		b.WriteString("\n")
	}
	for i, m := range s.Members {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(b, "%s%q: ", newline(depth+1), m.Name)
		writeSyntax(b, m.Shape, depth+1, path)
	}
	b.WriteString(newline(depth) + "}")
}

func writeElements(b *strings.Builder, s *model.Shape, depth int, path []*model.Shape) {
	if isScalar(s.Elem) {
		b.WriteString("[" + scalar(s.Elem) + ", ...]")
		return
	}
	b.WriteString("[" + newline(depth+1))
	writeSyntax(b, s.Elem, depth+1, path)
	b.WriteString(newline(depth+1) + "..." + newline(depth) + "]")
}

func newline(depth int) string { return "\n" + strings.Repeat("  ", depth) }

// scalar is what stands in the place of a value.
func scalar(s *model.Shape) string {
	switch {
	case len(s.Enum) > 0:
		return `"` + strings.Join(s.Enum, `"|"`) + `"`
	case s.Type == "string":
		return `"string"`
	case s.Type == "boolean":
		return "true|false"
	default:
		return s.Type
	}
}
