package param

import (
	"errors"

	"apron/cli/document"
	"apron/cli/model"
)

// Response makes the result of an operation of the body that came back: the members that the model knows, in its order,
// without those that are null, and with timestamps in the form asked for. A body that is no JSON has none of them. An
// answer that does not fit the model is an error in the words that Python has for it.
func Response(body []byte, output *model.Shape, timestamps Timestamps) (any, error) {
	v, err := parseBody(body)
	if err != nil {
		return nil, err
	}
	return timestamps.parse(v, output)
}

// parseBody takes a body that is no JSON for the message of an answer, which for a result is nothing.
func parseBody(body []byte) (any, error) {
	if len(body) == 0 {
		return &document.Map{}, nil
	}
	if err := checkUTF8(body); err != nil {
		return nil, err
	}
	v, err := document.Parse(string(body))
	if _, deep := errors.AsType[*document.DepthError](err); deep {
		return nil, err
	}
	if err != nil {
		return document.NewMap("message", string(body)), nil
	}
	return v, nil
}

func (f Timestamps) parse(v any, s *model.Shape) (any, error) {
	switch s.Type {
	case "structure":
		return f.structure(v, s)
	case "map":
		return f.mapping(v, s)
	case "list":
		return f.list(v, s)
	case "timestamp":
		return f.timestamp(v)
	}
	return v, nil
}

func (f Timestamps) structure(v any, s *model.Shape) (any, error) {
	if v == nil {
		return nil, nil
	}
	m, ok := v.(*document.Map)
	if !ok && len(s.Members) > 0 {
		return nil, lacks(v, "get")
	}
	parsed := &document.Map{}
	for _, member := range s.Members {
		value, _ := m.Get(member.Name)
		if value == nil {
			continue
		}
		p, err := f.parse(value, member.Shape)
		if err != nil {
			return nil, err
		}
		parsed.Set(member.Name, p)
	}
	return parsed, nil
}

func (f Timestamps) mapping(v any, s *model.Shape) (any, error) {
	m, ok := v.(*document.Map)
	if !ok {
		return nil, lacks(v, "items")
	}
	parsed := &document.Map{}
	for key, value := range m.All() {
		p, err := f.parse(value, s.Elem)
		if err != nil {
			return nil, err
		}
		parsed.Set(key, p)
	}
	return parsed, nil
}

func (f Timestamps) list(v any, s *model.Shape) (any, error) {
	elements, err := iterate(v)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, element := range elements {
		p, err := f.parse(element, s.Elem)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}
