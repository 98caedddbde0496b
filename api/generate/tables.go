package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// writeTables prints the constraints of every shape and the list of actions.
func (m *model) writeTables() ([]byte, error) {
	var p printer
	p.f("import (\n\"reflect\"\n\"sync\"\n)\n\n")
	for _, name := range m.names() {
		m.writeConstraints(&p, name)
	}
	p.f("var %s = sync.OnceValue(func() map[reflect.Type]*shape {\nreturn map[reflect.Type]*shape{\n", m.structures)
	for _, name := range m.names() {
		if m.Shapes[name].Type == "structure" {
			p.f("reflect.TypeFor[%s](): &shape%s,\n", name, name)
		}
	}
	p.f("}\n})\n\n")
	if err := m.writeActions(&p); err != nil {
		return nil, err
	}
	return p.Bytes(), nil
}

func (m *model) writeConstraints(p *printer, name string) {
	s := m.Shapes[name]
	p.f("var shape%s = shape{\nname: %q,\nkind: kind%s%s,\n", name, name, strings.ToUpper(s.Type[:1]), s.Type[1:])
	if s.Min != nil {
		p.f("min: %d,\nhasMin: true,\n", *s.Min)
	}
	if s.Max != nil {
		p.f("max: %d,\nhasMax: true,\n", *s.Max)
	}
	if r := patternRule(name, s.Pattern); s.Pattern != "" && r.re2 != "" {
		p.f("pattern: &pattern{re2: %s, rule: %s},\n", quote(r.re2), quote(r.text))
	}
	if s.Enum != nil {
		p.f("enum: []string{\n")
		for _, v := range s.Enum {
			p.f("%q,\n", wireValue(name, v))
		}
		p.f("},\n")
	}
	if s.Sensitive {
		p.f("sensitive: true,\n")
	}
	writeReferences(p, s)
	p.f("}\n\n")
}

func writeReferences(p *printer, s *shape) {
	if s.Key.Shape != "" {
		p.f("key: &shape%s,\n", s.Key.Shape)
	}
	if elem := s.Member.Shape + s.Value.Shape; elem != "" {
		p.f("elem: &shape%s,\n", elem)
	}
	if len(s.Members) == 0 {
		return
	}
	p.f("members: []member{\n")
	for _, f := range s.Members {
		p.f("{%q, %t, &shape%s},\n", f.name, slices.Contains(s.Required, f.name), f.shape)
	}
	p.f("},\n")
}

func (m *model) writeActions(p *printer) error {
	p.f("// %s are all operations of %s, by name.\nvar %s = []Action{\n", m.actions, m.title, m.actions)
	for _, name := range slices.Sorted(maps.Keys(m.Operations)) {
		op := m.Operations[name]
		p.f("{\nName: %q,\nTarget: %q,\n", name, m.Metadata.TargetPrefix+"."+name)
		p.f("Input: reflect.TypeFor[%s](),\nOutput: reflect.TypeFor[%s](),\nErrors: []Kind{", op.Input, op.Output)
		for _, e := range op.Errors {
			kind, ok := kinds[e]
			if !ok {
				return fmt.Errorf("operation %s declares %s, which is no api.Kind: add it to names.go", name, e)
			}
			p.f("%s, ", kind)
		}
		p.f("},\n},\n")
	}
	p.f("}\n")
	return nil
}

func quote(s string) string {
	if strings.Contains(s, "`") {
		return strconv.Quote(s)
	}
	return "`" + s + "`"
}
