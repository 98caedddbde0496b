package main

import (
	"fmt"
	"slices"
	"strings"
)

// writeShapes prints the Go types: structures, enums and their constants. taken has the names that are given away.
func (m *model) writeShapes(taken map[string]string) ([]byte, error) {
	var p printer
	p.f("import \"encoding/json\"\n\n")
	for _, name := range m.names() {
		taken[name] = "a shape"
	}
	for _, name := range m.names() {
		s := m.Shapes[name]
		switch {
		case s.Type == "structure":
			m.writeStructure(&p, name, s)
		case s.Enum != nil:
			if err := writeEnum(&p, name, s, taken); err != nil {
				return nil, err
			}
		}
	}
	return p.Bytes(), nil
}

func (m *model) writeStructure(p *printer, name string, s *shape) {
	p.f("// %s is %s.\ntype %s struct {\n", name, m.describe(name), name)
	for _, field := range s.Members {
		required := slices.Contains(s.Required, field.name)
		p.f("%s %s `json:\"%s%s\"`\n", field.name, m.fieldType(field.shape, required), field.name, m.omit(field.shape, required))
	}
	p.f("}\n\n")
	m.writeMarshal(p, name, s)
}

func (m *model) describe(name string) string {
	for action, op := range m.Operations {
		switch name {
		case op.Input:
			return "the input of " + action
		case op.Output:
			return "the output of " + action
		}
	}
	return "a structure of " + m.title
}

// writeMarshal gives the structures with a required list a way to write it as [] when it is nil: clients read these
// members without asking whether they are there.
func (m *model) writeMarshal(p *printer, name string, s *shape) {
	var lists []namedRef
	for _, f := range s.Members {
		if m.Shapes[f.shape].Type == "list" && slices.Contains(s.Required, f.name) {
			lists = append(lists, f)
		}
	}
	if lists == nil {
		return
	}
	p.f("// MarshalJSON writes required lists as [] when they are nil.\n")
	p.f("func (v %s) MarshalJSON() ([]byte, error) {\ntype plain %s\n", name, name)
	for _, f := range lists {
		p.f("if v.%s == nil {\nv.%s = %s{}\n}\n", f.name, f.name, m.goType(f.shape))
	}
	p.f("return json.Marshal(plain(v))\n}\n\n")
}

// goType is the plain Go type of a shape.
func (m *model) goType(name string) string {
	s := m.Shapes[name]
	switch s.Type {
	case "structure":
		return name
	case "list":
		return "[]" + m.goType(s.Member.Shape)
	case "map":
		return "map[" + m.goType(s.Key.Shape) + "]" + m.goType(s.Value.Shape)
	case "integer":
		return "int"
	case "boolean":
		return "bool"
	case "timestamp":
		return "Timestamp"
	}
	if s.Enum != nil {
		return name
	}
	return "string"
}

func (m *model) fieldType(name string, required bool) string {
	switch m.Shapes[name].Type {
	case "list", "map":
		return m.goType(name)
	case "structure":
		return "*" + m.goType(name)
	}
	if required {
		return m.goType(name)
	}
	return "*" + m.goType(name)
}

// omit is omitzero, not omitempty, so that an optional list that is empty but not nil is written.
func (m *model) omit(name string, required bool) string {
	if required {
		return ""
	}
	return ",omitzero"
}

func writeEnum(p *printer, name string, s *shape, taken map[string]string) error {
	var docs []string
	for _, v := range s.Enum {
		c := constName(name, v)
		if other, ok := taken[c]; ok {
			return fmt.Errorf("the constant %s of %s is also %s: give %s a prefix in names.go", c, name, other, name)
		}
		taken[c] = "a constant of " + name
		docs = append(docs, c)
	}
	p.f("// %s is an enum: %s.\ntype %s string\n\nconst (\n", name, strings.Join(docs, ", "), name)
	for _, v := range s.Enum {
		p.f("%s %s = %q\n", constName(name, v), name, wireValue(name, v))
	}
	p.f(")\n\n")
	return nil
}
