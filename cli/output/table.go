package output

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"apron/cli/document"
)

// writeTable draws v as boxes within boxes: an object's scalars are one, and each of its nested members one below it.
// What is empty is nothing at all.
func writeTable(buf *bytes.Buffer, operation string, v any, o Options) error {
	var t table
	if shown, err := t.value(&operation, v, 0); err != nil || !shown {
		return err
	}
	t.render(newPen(buf, o), o.Width)
	return nil
}

// table is the boxes of one response.
type table struct{ sections []*section }

// last is the box that is being filled.
func (t *table) last() *section { return t.sections[len(t.sections)-1] }

func (t *table) begin(title *string, depth int) {
	t.sections = append(t.sections, &section{title: title, depth: depth})
}

// value adds v in a box of its own with that title, or to the last box where title is nil; it reports whether there was
// anything to show.
func (t *table) value(title *string, v any, depth int) (bool, error) {
	if isFalse(v) {
		return false, nil
	}
	if title != nil {
		t.begin(title, depth)
	}
	switch v := v.(type) {
	case *document.Map:
		return true, t.object(v, depth)
	case []any:
		if _, ok := v[0].(*document.Map); ok {
			return true, t.objects(v, title, depth)
		}
		return true, t.list(v)
	}
	return true, nil
}

// isFalse is Python's notion of what is nothing.
func isFalse(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case int64:
		return v == 0
	case float64:
		return v == 0
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case *document.Map:
		return v.Len() == 0
	}
	return false
}

// list makes each scalar a row, and each list or object of scalars, of which objects show their keys.
func (t *table) list(list []any) error {
	for _, v := range list {
		row, ok := rowOf(v)
		if !ok {
			if _, err := t.value(nil, v, 0); err != nil {
				return err
			}
			continue
		}
		if err := t.last().addRow(row); err != nil {
			return err
		}
	}
	return nil
}

// rowOf returns the cells of what fits in one row.
func rowOf(v any) ([]string, bool) {
	switch v := v.(type) {
	case []any:
		if !slices.ContainsFunc(v, func(item any) bool { return !isScalar(item) }) {
			return texts(v), true
		}
		return nil, false
	case *document.Map:
		return v.Keys(), true
	}
	return []string{document.Str(v)}, true
}

func texts(list []any) []string {
	cells := make([]string, len(list))
	for i, v := range list {
		cells[i] = document.Str(v)
	}
	return cells
}

// object is one row below the names of its scalar members; a single one is a row of name and value.
func (t *table) object(m *document.Map, depth int) error {
	keys := slices.Sorted(slices.Values(m.Keys()))
	scalars, nested := divide(keys, func(k string) bool { v, _ := m.Get(k); return isScalar(v) })
	switch len(scalars) {
	case 0:
	case 1:
		if err := t.last().addRow([]string{scalars[0], cell(m, scalars[0])}); err != nil {
			return err
		}
	default:
		if err := t.last().addHeader(scalars); err != nil {
			return err
		}
		if err := t.row(m, scalars); err != nil {
			return err
		}
	}
	return t.members(m, nested, depth)
}

func (t *table) row(m *document.Map, keys []string) error {
	cells := make([]string, len(keys))
	for i, k := range keys {
		cells[i] = cell(m, k)
	}
	return t.last().addRow(cells)
}

func (t *table) members(m *document.Map, keys []string, depth int) error {
	for _, k := range keys {
		v, ok := m.Get(k)
		if !ok {
			continue
		}
		if _, err := t.value(&k, v, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// objects is a row for each, below the names of all their scalar members. Where any has nested members, each has a box
// of its own, for those come below it.
func (t *table) objects(list []any, title *string, depth int) error {
	scalars, nested, err := columns(list)
	if err != nil {
		return err
	}
	for i, v := range list {
		if i > 0 && len(nested) > 0 {
			t.begin(title, depth)
		}
		if i == 0 || len(nested) > 0 {
			if err := t.last().addHeader(scalars); err != nil {
				return err
			}
		}
		m, ok := v.(*document.Map)
		if !ok && len(scalars) > 0 {
			return fmt.Errorf("'%s' object has no attribute 'get'", document.Type(v))
		}
		if !ok {
			// What is empty has no members either, but the reference asks each value whether a name is in it: the empty name is in
			// the empty text, and nothing can be read from there.
			if v == "" && slices.Contains(nested, "") {
				return errTextIndex
			}
			m = &document.Map{}
		}
		if err := t.row(m, scalars); err != nil {
			return err
		}
		if err := t.members(m, nested, depth); err != nil {
			return err
		}
	}
	return nil
}

// columns returns the names of the scalar members of all objects in list, and those of the nested ones; a name may be
// both.
func columns(list []any) (scalars, nested []string, err error) {
	isColumn, isNested := map[string]bool{}, map[string]bool{}
	for _, v := range list {
		m, ok := v.(*document.Map)
		if !ok {
			if err := notAnObject(v); err != nil {
				return nil, nil, err
			}
			continue
		}
		for k, member := range m.All() {
			if isScalar(member) {
				isColumn[k] = true
			} else {
				isNested[k] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(isColumn)), slices.Sorted(maps.Keys(isNested)), nil
}

// errTextIndex is what the reference says of a text that it takes for an object.
var errTextIndex = errors.New("string indices must be integers, not 'str'")

// notAnObject is what the reference says of a value among objects, or nil where it says it later.
func notAnObject(v any) error {
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil
		}
		return errTextIndex
	case []any:
		return notIndices(v)
	}
	return fmt.Errorf("'%s' object is not iterable", document.Type(v))
}

// notIndices is what the reference says of a list among objects: it reads from the list at each of the list's own values.
func notIndices(list []any) error {
	for _, v := range list {
		var index int64
		switch v := v.(type) {
		case int64:
			index = v
		case bool:
			if v {
				index = 1
			}
		default:
			return fmt.Errorf("list indices must be integers or slices, not %s", document.Type(v))
		}
		if n := int64(len(list)); index >= n || index < -n {
			return errors.New("list index out of range")
		}
	}
	if len(list) == 0 {
		return nil
	}
	return errors.New("'list' object has no attribute 'get'")
}
