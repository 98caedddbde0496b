package param

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"apron/cli/document"
	"apron/cli/model"
)

// Request makes the body of a request of the parameters. Those that Validate took are sent as they are; where it was
// not asked, what does not fit the input is an error in the words that Python has for it, or is sent as Python's loops
// would take it apart.
func Request(params *document.Map, input *model.Shape) (any, error) {
	body, err := serialize(params, input)
	if err != nil {
		return nil, err
	}
	if class := foreign(body); class != "" {
		//lint:ignore ST1005 the words are those of the AWS CLI
		return nil, fmt.Errorf("Object of type %s is not JSON serializable", class)
	}
	return body, nil
}

func serialize(v any, s *model.Shape) (any, error) {
	switch s.Type {
	case "structure", "map":
		return serializeMap(v, s)
	case "list":
		elements, err := iterate(v)
		if err != nil {
			return nil, err
		}
		list := []any{}
		for _, element := range elements {
			e, err := serialize(element, s.Elem)
			if err != nil {
				return nil, err
			}
			list = append(list, e)
		}
		return list, nil
	}
	return v, nil
}

func serializeMap(v any, s *model.Shape) (any, error) {
	m, ok := v.(*document.Map)
	if !ok {
		return nil, lacks(v, "items")
	}
	body := &document.Map{}
	for key, value := range m.All() {
		shape := s.Elem
		if s.Type == "structure" {
			if shape = s.Member(key); shape == nil {
				return nil, errors.New(document.Repr(key)) // Python's KeyError is the key alone
			}
		}
		serialized, err := serialize(value, shape)
		if err != nil {
			return nil, err
		}
		body.Set(key, serialized)
	}
	return body, nil
}

func lacks(v any, attribute string) error {
	return fmt.Errorf("'%s' object has no attribute '%s'", document.Type(v), attribute)
}

// iterate is what Python's loops meet in a value.
func iterate(v any) ([]any, error) {
	switch v := v.(type) {
	case []any:
		return v, nil
	case string, document.Bytes:
		return elementsOf(v), nil
	case *document.Map:
		var keys []any
		for key := range v.All() {
			keys = append(keys, key)
		}
		return keys, nil
	}
	return nil, fmt.Errorf("'%s' object is not iterable", document.Type(v))
}

// foreign is the name of the first type in a value that JSON has not, or "".
func foreign(v any) string {
	switch v := v.(type) {
	case document.Bytes:
		return "bytes"
	case document.Foreign:
		return v.Class[strings.LastIndexByte(v.Class, '.')+1:]
	case []any:
		return firstForeign(slices.Values(v))
	case *document.Map:
		return firstForeign(second(v.All()))
	}
	return ""
}

func firstForeign(values iter.Seq[any]) string {
	for v := range values {
		if class := foreign(v); class != "" {
			return class
		}
	}
	return ""
}

func second(pairs iter.Seq2[string, any]) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, v := range pairs {
			if !yield(v) {
				return
			}
		}
	}
}
