package shorthand

import (
	"fmt"
	"strings"

	"apron/cli/document"
	"apron/cli/model"
)

// Fit turns what Parse read into what a shape asks for: texts into numbers and booleans, and a single value into a list
// of it, whose element then stays as it was read. What does not fit is left for the validation to find; the error is a
// number or boolean that is none, in the words of Python. Maps and lists are changed in place.
//
// A value that is not a list, where the shape itself is one, stays what it is: only members of a structure become lists.
func Fit(v any, s *model.Shape) error {
	switch v := v.(type) {
	case *document.Map:
		return fitMap(v, s)
	case []any:
		if s.Type != "list" {
			return nil
		}
		for i, element := range v {
			fitted, err := fit(element, s.Elem)
			if err != nil {
				return err
			}
			v[i] = fitted
		}
	}
	return nil
}

func fitMap(m *document.Map, s *model.Shape) error {
	switch s.Type {
	case "structure":
		for _, member := range s.Members {
			if err := fitMember(m, member.Name, member.Shape); err != nil {
				return err
			}
		}
	case "map":
		for _, key := range m.Keys() {
			if err := fitMember(m, key, s.Elem); err != nil {
				return err
			}
		}
	}
	return nil
}

func fitMember(m *document.Map, key string, s *model.Shape) error {
	v, ok := m.Get(key)
	if !ok || v == nil {
		return nil
	}
	v, err := fit(v, s)
	m.Set(key, v)
	return err
}

// fit is Fit of a value that stands in another.
func fit(v any, s *model.Shape) (any, error) {
	switch s.Type {
	case "list":
		if list, ok := v.([]any); ok {
			return list, Fit(list, s)
		}
		return []any{v}, nil
	case "structure", "map":
		return v, Fit(v, s)
	case "integer", "long":
		return integer(v)
	case "boolean":
		return boolean(v)
	}
	return v, nil
}

func integer(v any) (any, error) {
	if text, ok := v.(string); ok {
		return document.Int(text)
	}
	return nil, fmt.Errorf("int() argument must be a string, a bytes-like object or a real number, not '%s'", document.Type(v))
}

// boolean leaves a text that is neither true nor false as it is.
func boolean(v any) (any, error) {
	text, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("'%s' object has no attribute 'lower'", document.Type(v))
	}
	switch strings.ToLower(text) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return text, nil
}
