package jmespath

import (
	"slices"

	"apron/cli/document"
)

func keys(_ *search, a []any) (any, error) {
	found := []any{}
	for key := range a[0].(*document.Map).All() {
		found = append(found, key)
	}
	return found, nil
}

func values(_ *search, a []any) (any, error) {
	found := []any{}
	for _, v := range a[0].(*document.Map).All() {
		found = append(found, v)
	}
	return found, nil
}

func toArray(_ *search, a []any) (any, error) {
	if _, ok := a[0].([]any); ok {
		return a[0], nil
	}
	return []any{a[0]}, nil
}

func notNull(_ *search, a []any) (any, error) {
	for _, v := range a {
		if v != nil {
			return v, nil
		}
	}
	return nil, nil
}

// mapped keeps the nulls, unlike a projection.
func mapped(s *search, a []any) (any, error) {
	items := a[1].([]any)
	found := make([]any, len(items))
	for i, item := range items {
		v, err := s.apply(a[0], item)
		if err != nil {
			return nil, err
		}
		found[i] = v
	}
	return found, nil
}

// merge checks its first argument only. For the others it takes whatever Python's dict.update takes.
func merge(_ *search, a []any) (any, error) {
	merged := &document.Map{}
	for _, v := range a {
		if err := update(merged, v); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// update sets the members of v, which may be a list of pairs as well.
func update(m *document.Map, v any) error {
	if from, ok := v.(*document.Map); ok {
		for key, item := range from.All() {
			m.Set(key, item)
		}
		return nil
	}
	pairs, ok := sequence(v)
	if !ok {
		return faultf("'%s' object is not iterable", pythonType(v))
	}
	for i, pair := range pairs {
		if err := updatePair(m, i, pair); err != nil {
			return err
		}
	}
	return nil
}

func updatePair(m *document.Map, i int, pair any) error {
	items, ok := sequence(pair)
	switch {
	case !ok:
		return faultf("cannot convert dictionary update sequence element #%d to a sequence", i)
	case len(items) != 2:
		return faultf("dictionary update sequence element #%d has length %d; 2 is required", i, len(items))
	}
	key, err := memberName(items[0])
	if err == nil {
		m.Set(key, items[1])
	}
	return err
}

// memberName is what JSON calls a member whose name is no string.
func memberName(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case []any, *document.Map:
		return "", faultf("unhashable type: '%s'", pythonType(v))
	}
	return document.JSON(printable(v), 0, true), nil
}

// sequence is what Python iterates over: a list's items, a string's characters, a map's keys.
func sequence(v any) ([]any, bool) {
	items := []any{}
	switch v := v.(type) {
	case []any:
		return v, true
	case string:
		for _, r := range document.Characters(v) {
			items = append(items, document.Text(r))
		}
		return items, true
	case *document.Map:
		for key := range v.All() {
			items = append(items, key)
		}
		return items, true
	}
	return nil, false
}

// sorted is stable, and so is sortBy.
func sorted(_ *search, a []any) (any, error) {
	items := slices.Clone(a[0].([]any))
	slices.SortStableFunc(items, ascending)
	return items, nil
}

func ascending(a, b any) int {
	order, _ := order(a, b)
	return order
}
