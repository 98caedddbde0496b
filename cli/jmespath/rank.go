package jmespath

import "slices"

// best returns max or min: the first of those items that stand in the relation by to all others.
func best(by kind) func(*search, []any) (any, error) {
	return func(_ *search, a []any) (any, error) {
		items := a[0].([]any)
		if len(items) == 0 {
			return nil, nil
		}
		found := items[0]
		for _, item := range items[1:] {
			if better, err := ordered(by, item, found); err != nil {
				return nil, err
			} else if better {
				found = item
			}
		}
		return found, nil
	}
}

// bestBy returns max_by or min_by. Its keys may be numbers or strings, and only where the two meet that is an error.
func bestBy(name string, by kind) func(*search, []any) (any, error) {
	return func(s *search, a []any) (any, error) {
		var found, foundKey any
		for i, item := range a[0].([]any) {
			key, err := s.key(name, a[1], item, rankKeys)
			if err != nil {
				return nil, err
			}
			better := i == 0
			if !better {
				if better, err = ordered(by, key, foundKey); err != nil {
					return nil, err
				}
			}
			if better {
				found, foundKey = item, key
			}
		}
		return found, nil
	}
}

var rankKeys = []string{"number", "string"}

// key evaluates the reference for item and wants one of the types allowed.
func (s *search) key(name string, reference, item any, allowed []string) (any, error) {
	s.depth++
	defer func() { s.depth-- }()
	key, err := s.apply(reference, item)
	if err == nil && !slices.Contains(allowed, typeOf(key)) {
		err = wrongType(name, key, typeOf(key), allowed)
	}
	return key, err
}

// sortBy takes the type that all keys must have from the first one.
func sortBy(s *search, a []any) (any, error) {
	items := a[0].([]any)
	if len(items) == 0 {
		return items, nil
	}
	first, err := s.apply(a[1], items[0])
	if err != nil {
		return nil, err
	}
	if kind := typeOf(first); !slices.Contains(rankKeys, kind) {
		return nil, wrongType("sort_by", items[0], kind, []string{"string", "number"})
	}
	type keyed struct{ key, item any }
	pairs := make([]keyed, len(items))
	for i, item := range items {
		key, err := s.key("sort_by", a[1], item, []string{typeOf(first)})
		if err != nil {
			return nil, err
		}
		pairs[i] = keyed{key, item}
	}
	slices.SortStableFunc(pairs, func(a, b keyed) int { return ascending(a.key, b.key) })
	found := make([]any, len(items))
	for i, p := range pairs {
		found[i] = p.item
	}
	return found, nil
}
