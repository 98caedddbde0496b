package output

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"apron/cli/document"
)

// writeText writes v as lines of values with tabs between them: an object's scalars are one line, in the order of their
// keys, and what is nested follows in lines that begin with its key in capitals.
func writeText(buf *bytes.Buffer, v any) error {
	t := textWriter{buf}
	return t.value(v, nil, nil)
}

type textWriter struct{ *bytes.Buffer }

// value writes v behind prefix, which is the key that it is below, in capitals, if any; columns are the keys that each
// object of a list has a place for, nil outside one.
func (t textWriter) value(v any, prefix, columns []string) error {
	switch v := v.(type) {
	case *document.Map:
		return t.object(v, prefix, columns)
	case []any:
		return t.list(v, prefix)
	}
	t.line([]string{document.Str(v)})
	return nil
}

func (t textWriter) line(cells []string) {
	t.WriteString(strings.Join(cells, "\t") + "\n")
}

func (t textWriter) list(list []any, prefix []string) error {
	isMap := func(v any) bool { _, ok := v.(*document.Map); return ok }
	if slices.ContainsFunc(list, isMap) {
		return t.objects(list, prefix)
	}
	var scalars []string
	var lists []any
	for _, v := range list {
		if isScalar(v) {
			scalars = append(scalars, document.Str(v))
		} else {
			lists = append(lists, v)
		}
	}
	t.scalars(scalars, prefix)
	for _, v := range lists {
		if err := t.value(v, prefix, nil); err != nil {
			return err
		}
	}
	return nil
}

// scalars are one line, or below a key one line each.
func (t textWriter) scalars(cells, prefix []string) {
	if len(prefix) == 0 && len(cells) > 0 {
		t.line(cells)
		return
	}
	for _, c := range cells {
		t.line(slices.Concat(prefix, []string{c}))
	}
}

func (t textWriter) objects(list []any, prefix []string) error {
	columns := map[string]bool{}
	for _, v := range list {
		m, ok := v.(*document.Map)
		if !ok {
			return fmt.Errorf("'%s' object has no attribute 'items'", document.Type(v))
		}
		for k, member := range m.All() {
			if isScalar(member) {
				columns[k] = true
			}
		}
	}
	keys := slices.AppendSeq([]string{}, maps.Keys(columns))
	slices.Sort(keys)
	for _, v := range list {
		if err := t.value(v, prefix, keys); err != nil {
			return err
		}
	}
	return nil
}

func (t textWriter) object(m *document.Map, prefix []string, columns []string) error {
	var nested []string
	keys := slices.Sorted(slices.Values(m.Keys()))
	if columns == nil {
		columns, nested = divide(keys, func(k string) bool { v, _ := m.Get(k); return isScalar(v) })
	} else {
		_, nested = divide(keys, func(k string) bool { return slices.Contains(columns, k) })
	}
	t.row(m, prefix, columns)
	for _, k := range nested {
		v, _ := m.Get(k)
		if err := t.value(v, []string{strings.ToUpper(k)}, nil); err != nil {
			return err
		}
	}
	return nil
}

func (t textWriter) row(m *document.Map, prefix, columns []string) {
	if len(columns) == 0 {
		return
	}
	cells := slices.Clone(prefix)
	for _, k := range columns {
		cells = append(cells, cell(m, k))
	}
	t.line(cells)
}

// cell is a member as text; one that is not there is empty.
func cell(m *document.Map, key string) string {
	v, ok := m.Get(key)
	if !ok {
		return ""
	}
	return document.Str(v)
}

// divide parts keys into those that are of the first kind and the others.
func divide(keys []string, first func(string) bool) (yes, no []string) {
	for _, k := range keys {
		if first(k) {
			yes = append(yes, k)
		} else {
			no = append(no, k)
		}
	}
	return yes, no
}
