package help

import (
	"fmt"
	"strings"

	"apron/cli/globals"
	"apron/cli/model"
	"apron/cli/shorthand"
)

// Operation returns the page of one operation of an API.
func Operation(s *model.Service, op *model.Operation) *Page {
	o := operation{op: op, texts: read[texts](s.Name), common: read[common]("globals")}
	text := o.texts.operation(op)
	p := &Page{Name: op.CLIName, Summary: text, Sections: []Section{
		section("NAME", op.CLIName+" -"),
		section("DESCRIPTION", text),
		o.synopsis(),
		o.options(),
		globalOptions(o.common),
	}}
	if e := o.texts.Examples[op.Name]; len(e) > 0 {
		p.Sections = append(p.Sections, examples(e))
	}
	p.Sections = append(p.Sections, o.output())
	return p
}

// operation is a page in the making.
type operation struct {
	op     *model.Operation
	texts  texts
	common common
}

const (
	inputOptions   = "--cli-input-json | --cli-input-yaml"
	skeletonOption = "--generate-cli-skeleton"
)

func (o *operation) synopsis() Section {
	lines := []string{"  " + o.op.CLIName}
	for _, m := range members(o.op.Input) {
		line := optionName(m)
		if m.Shape.Type != "boolean" {
			line += " <value>"
		}
		if !o.op.Input.IsRequired(m.Name) {
			line = "[" + line + "]"
		}
		lines = append(lines, line)
	}
	lines = append(lines, "["+inputOptions+"]", "["+skeletonOption+" <value>]")
	for _, g := range globals.Options() {
		lines = append(lines, globalSynopsis(g))
	}
	s := Section{Heading: "SYNOPSIS"}
	s.add(Literal, 1, strings.Join(lines, "\n"))
	return s
}

func (o *operation) options() Section {
	s := Section{Heading: "OPTIONS"}
	for _, m := range members(o.op.Input) {
		s.add(Term, 0, fmt.Sprintf("%s (%s)", codes(optionName(m)), m.Shape.Type))
		s.add(Paragraph, 1, o.texts.member(o.op.Input, m))
		s.enum(m.Shape)
		o.below(&s, 1, m.Shape, []*model.Shape{m.Shape})
		o.syntax(&s, m)
	}
	s.add(Paragraph, 0, codes(inputOptions)+" (string) "+o.common.Input)
	s.add(Paragraph, 0, codes(skeletonOption)+" (string) "+o.common.Skeleton)
	return s
}

// syntax says how the value of an option that is no single word is written.
func (o *operation) syntax(s *Section, m model.Member) {
	shape := m.Shape
	switch {
	case isScalar(shape):
	case shape.Type == "list" && isScalar(shape.Elem):
		s.add(Paragraph, 0, "Syntax:")
		s.add(Literal, 1, wordList(shape.Elem))
	default:
		if short := shorthand.Doc(shape); short != "" {
			s.add(Paragraph, 0, "Shorthand Syntax:")
			s.add(Literal, 1, short)
		}
		s.add(Paragraph, 0, "JSON Syntax:")
		s.add(Literal, 1, jsonSyntax(shape))
	}
}

func (o *operation) output() Section {
	s := Section{Heading: "OUTPUT"}
	for _, m := range members(o.op.Output) {
		o.member(&s, 0, o.op.Output, m, nil)
	}
	if len(s.Blocks) == 0 {
		s.add(Paragraph, 0, "None")
	}
	return s
}

// member describes a member of a structure and what is in it. The shapes that it is in are the path; one that holds
// itself is described twice and then no further.
func (o *operation) member(s *Section, depth int, of *model.Shape, m model.Member, path []*model.Shape) {
	o.shape(s, depth, m.Name+" -> ", o.texts.member(of, m), m.Shape, path)
}

func (o *operation) shape(s *Section, depth int, label, text string, shape *model.Shape, path []*model.Shape) {
	if count(path, shape) > 1 {
		s.add(Paragraph, depth, "( ... recursive ... )")
		return
	}
	s.add(Term, depth, label+"("+shape.Type+")")
	s.add(Paragraph, depth+1, text)
	o.below(s, depth+1, shape, append(path, shape))
}

// below describes what is in a value.
func (o *operation) below(s *Section, depth int, shape *model.Shape, path []*model.Shape) {
	switch shape.Type {
	case "structure":
		for _, m := range shape.Members {
			o.member(s, depth, shape, m, path)
		}
	case "list":
		o.shape(s, depth, "", "", shape.Elem, path)
	case "map":
		o.shape(s, depth, "key -> ", "", shape.Key, path)
		o.shape(s, depth, "value -> ", "", shape.Elem, path)
	}
}

// enum lists what alone may be given.
func (s *Section) enum(shape *model.Shape) {
	if len(shape.Enum) == 0 {
		return
	}
	s.add(Paragraph, 1, "Possible values:")
	for _, e := range shape.Enum {
		s.add(Item, 1, code(e))
	}
}

// optionName returns the option of a member; a boolean has two.
func optionName(m model.Member) string {
	name := model.Hyphenate(m.Name)
	if m.Shape.Type == "boolean" {
		return "--" + name + " | --no-" + name
	}
	return "--" + name
}

// codes marks each of several options that are one or the other.
func codes(options string) string {
	return code(strings.ReplaceAll(options, " | ", code(" | ")))
}

func members(s *model.Shape) []model.Member {
	if s == nil {
		return nil
	}
	return s.Members
}

// count returns how often the shape is in the path.
func count(path []*model.Shape, shape *model.Shape) (n int) {
	for _, p := range path {
		if p == shape {
			n++
		}
	}
	return n
}

func isScalar(s *model.Shape) bool {
	return s.Type != "structure" && s.Type != "list" && s.Type != "map"
}

// examples alternates sentences and commands.
func examples(e []string) Section {
	s := Section{Heading: "EXAMPLES"}
	for i, text := range e {
		if i%2 == 0 {
			s.add(Paragraph, 0, text)
		} else {
			s.add(Literal, 1, text)
		}
	}
	return s
}
