package jmespath

import "apron/cli/document"

// node is a part of a compiled expression.
type node interface {
	search(s *search, v any) (any, error)
}

// search is one evaluation.
type search struct{ depth int }

// eval evaluates n against v, two calls deeper as Python counts.
func (s *search) eval(n node, v any) (any, error) {
	if s.depth+2 > depthLimit {
		return nil, errDepth
	}
	s.depth += 2
	found, err := n.search(s, v)
	s.depth -= 2
	return found, err
}

type (
	current    struct{}
	literal    struct{ value any }
	field      string
	index      struct{ at any }
	slice      [3]any // start, end and step
	list       []node
	hash       []member
	chain      []node // each searches what the one before found
	path       struct{ chain }
	indexed    struct{ chain }
	not        struct{ of node }
	or         struct{ left, right node }
	and        struct{ left, right node }
	comparison struct {
		by          kind
		left, right node
	}
	reference struct{ of node }
	call      struct {
		name      string
		arguments []node
	}
)

type member struct {
	key   string
	value node
}

func (current) search(_ *search, v any) (any, error) { return v, nil }

func (n literal) search(*search, any) (any, error) { return n.value, nil }

func (n field) search(_ *search, v any) (any, error) {
	if m, ok := v.(*document.Map); ok {
		found, _ := m.Get(string(n))
		return found, nil
	}
	return nil, nil
}

func (n index) search(_ *search, v any) (any, error) {
	items, _ := v.([]any)
	at, ok := n.at.(int64)
	if at < 0 {
		at += int64(len(items))
	}
	if !ok || at < 0 || at >= int64(len(items)) {
		return nil, nil
	}
	return items[at], nil
}

func (n slice) search(_ *search, v any) (any, error) {
	items, ok := v.([]any)
	if !ok {
		return nil, nil
	}
	count := int64(len(items))
	step := int64(1)
	if n[2] != nil {
		step = min(max(clamped(n[2]), -count-1), count+1) // further steps leave the list just the same
	}
	if step == 0 {
		return nil, fault("slice step cannot be zero")
	}
	low, high := int64(0), count // where a start or an end beyond the list is put
	start, end := low, high
	if step < 0 {
		low, high = -1, count-1
		start, end = high, low
	}
	start, end = place(n[0], start, low, high, count), place(n[1], end, low, high, count)
	found := []any{}
	for i := start; step > 0 && i < end || step < 0 && i > end; i += step {
		found = append(found, items[i])
	}
	return found, nil
}

// place is where a slice of a list of count items starts or ends.
func place(at any, otherwise, low, high, count int64) int64 {
	if at == nil {
		return otherwise
	}
	i := clamped(at)
	if i < 0 {
		i += count
	}
	return min(max(i, low), high)
}

func (n list) search(s *search, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	items := make([]any, len(n))
	for i, item := range n {
		found, err := s.eval(item, v)
		if err != nil {
			return nil, err
		}
		items[i] = found
	}
	return items, nil
}

func (n hash) search(s *search, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	m := &document.Map{}
	s.depth += 2
	defer func() { s.depth -= 2 }()
	for _, item := range n {
		found, err := s.eval(item.value, v)
		if err != nil {
			return nil, err
		}
		m.Set(item.key, found)
	}
	return m, nil
}

func (n chain) search(s *search, v any) (any, error) {
	for _, step := range n {
		var err error
		if v, err = s.eval(step, v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (n not) search(s *search, v any) (any, error) {
	found, err := s.eval(n.of, v)
	return !truth(found), err
}

func (n or) search(s *search, v any) (any, error) {
	left, err := s.eval(n.left, v)
	if err != nil || truth(left) {
		return left, err
	}
	return s.eval(n.right, v)
}

func (n and) search(s *search, v any) (any, error) {
	left, err := s.eval(n.left, v)
	if err != nil || !truth(left) {
		return left, err
	}
	return s.eval(n.right, v)
}

func (n comparison) search(s *search, v any) (any, error) {
	left, err := s.eval(n.left, v)
	if err != nil {
		return nil, err
	}
	right, err := s.eval(n.right, v)
	if err != nil {
		return nil, err
	}
	return compare(n.by, left, right)
}

func (n reference) search(*search, any) (any, error) { return &expref{n.of}, nil }

func (n call) search(s *search, v any) (any, error) {
	arguments := make([]any, len(n.arguments))
	for i, argument := range n.arguments {
		found, err := s.eval(argument, v)
		if err != nil {
			return nil, err
		}
		arguments[i] = found
	}
	return s.call(n.name, arguments)
}

// expref is the value of &expression: one of its own each time that it is evaluated.
type expref struct{ of node }
