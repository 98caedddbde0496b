package shorthand

import (
	"slices"
	"strings"

	"apron/cli/model"
)

// Supports reports whether values of that shape may be written in shorthand: structures, maps, and lists of these or of
// lists.
func Supports(s *model.Shape) bool {
	if s.Type == "list" {
		return isNested(s.Elem)
	}
	return isNested(s)
}

func isNested(s *model.Shape) bool {
	return s.Type == "structure" || s.Type == "map" || s.Type == "list"
}

// Doc is an example of the shorthand of a shape, as help pages show it, or "" when the shape is too deep for one.
func Doc(s *model.Shape) string {
	if s.Type != "list" {
		text, _ := example(s, nil)
		return text
	}
	text, ok := example(s.Elem, nil)
	if !ok {
		return ""
	}
	return text + " ..."
}

// maxStack is how many shapes may stand around one that is shown.
const maxStack = 3

// example is what a value of the shape looks like inside of the shapes whose names are on the stack.
func example(s *model.Shape, stack []string) (string, bool) {
	switch {
	case len(stack) > maxStack:
		return "", false
	case s.Type == "structure":
		return structureExample(s, stack)
	case s.Type == "list":
		return listExample(s, stack)
	case s.Type == "map":
		return mapExample(s, stack)
	}
	return s.Type, true
}

func structureExample(s *model.Shape, stack []string) (string, bool) {
	parts := make([]string, len(s.Members))
	for i, m := range s.Members {
		if slices.Contains(stack, m.Shape.Name) {
			parts[i] = "( ... recursive ... )"
			continue
		}
		value, ok := example(m.Shape, append(stack, m.Shape.Name))
		if !ok {
			return "", false
		}
		parts[i] = m.Name + "=" + value
	}
	return braced(strings.Join(parts, ","), stack), true
}

func listExample(s *model.Shape, stack []string) (string, bool) {
	element, ok := example(s.Elem, append(stack, s.Elem.Name))
	text := element + "," + element
	if isNested(s.Elem) || len(stack) > 1 {
		text = "[" + text + "]"
	}
	return text, ok
}

func mapExample(s *model.Shape, stack []string) (string, bool) {
	value, ok := example(s.Elem, stack)
	var text strings.Builder
	text.WriteString("KeyName1=" + value + ",KeyName2=" + value)
	if len(s.Key.Enum) > 0 && len(stack) == 0 {
		text.WriteString("\n\nWhere valid key names are:\n")
		for _, name := range s.Key.Enum {
			text.WriteString("  " + name + "\n")
		}
	}
	return braced(text.String(), stack), ok
}

// braced puts braces around what stands inside of something else.
func braced(text string, stack []string) string {
	if len(stack) == 0 {
		return text
	}
	return "{" + text + "}"
}
