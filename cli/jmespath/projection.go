package jmespath

import "apron/cli/document"

// A projection evaluates each against every element of what source finds, and leaves out what is null. A source that
// finds something without elements makes the whole null.
type (
	projection       struct{ source, each node }
	valueProjection  struct{ source, each node }
	filterProjection struct{ source, when, each node }
	flattened        struct{ of node }
)

func (n projection) search(s *search, v any) (any, error) {
	source, err := s.eval(n.source, v)
	items, ok := source.([]any)
	if err != nil || !ok {
		return nil, err
	}
	found := []any{}
	for _, item := range items {
		if found, err = s.project(found, n.each, item); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (n valueProjection) search(s *search, v any) (any, error) {
	source, err := s.eval(n.source, v)
	m, ok := source.(*document.Map)
	if err != nil || !ok {
		return nil, err
	}
	found := []any{}
	for _, item := range m.All() {
		if found, err = s.project(found, n.each, item); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (n filterProjection) search(s *search, v any) (any, error) {
	source, err := s.eval(n.source, v)
	items, ok := source.([]any)
	if err != nil || !ok {
		return nil, err
	}
	found := []any{}
	for _, item := range items {
		wanted, err := s.eval(n.when, item)
		if err == nil && truth(wanted) {
			found, err = s.project(found, n.each, item)
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// project appends what each finds in item.
func (s *search) project(found []any, each node, item any) ([]any, error) {
	v, err := s.eval(each, item)
	if err != nil || v == nil {
		return found, err
	}
	return append(found, v), nil
}

// search puts the elements of lists in a list in their place, one level deep.
func (n flattened) search(s *search, v any) (any, error) {
	source, err := s.eval(n.of, v)
	items, ok := source.([]any)
	if err != nil || !ok {
		return nil, err
	}
	flat := []any{}
	for _, item := range items {
		if inner, ok := item.([]any); ok {
			flat = append(flat, inner...)
		} else {
			flat = append(flat, item)
		}
	}
	return flat, nil
}
