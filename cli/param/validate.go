package param

import (
	"fmt"
	"math/big"
	"strings"

	"apron/cli/document"
	"apron/cli/model"
)

// Validate checks the parameters against the input of an operation, as far as the AWS CLI does before it sends them:
// types, what is required and what is unknown, and lower limits. Upper limits, patterns and enumerations are the API's.
// The *Error names all that is wrong.
func Validate(params *document.Map, input *model.Shape) error {
	r := &report{}
	r.check(params, input, "")
	if len(r.lines) == 0 {
		return nil
	}
	return &Error{"Parameter validation failed:\n" + strings.Join(r.lines, "\n")}
}

// report collects what is wrong. Names of values are paths such as .Tags[0].Key, of which the first dot is not shown.
type report struct{ lines []string }

func (r *report) add(format, name string, v ...any) {
	shown := strings.TrimPrefix(name, ".")
	if shown == "" {
		shown = "input"
	}
	r.lines = append(r.lines, fmt.Sprintf(format, append([]any{shown}, v...)...))
}

func (r *report) check(v any, s *model.Shape, name string) {
	if !isOf(v, s.Type) {
		r.add("Invalid type for parameter %s, value: %s, type: <class '%s'>, valid types: %s", name, document.Str(v), document.Type(v), validTypes[s.Type])
		return
	}
	switch s.Type {
	case "structure":
		r.structure(v.(*document.Map), s, name)
	case "map":
		r.mapping(v.(*document.Map), s, name)
	case "list":
		r.list(v.([]any), s, name)
	case "string":
		r.length(len(document.Characters(v.(string))), s, name)
	case "integer":
		r.number(v, s, name)
	}
}

var validTypes = map[string]string{
	"structure": "<class 'dict'>", "map": "<class 'dict'>", "list": "<class 'list'>, <class 'tuple'>",
	"string": "<class 'str'>", "integer": "<class 'int'>", "boolean": "<class 'bool'>",
	"timestamp": "<class 'datetime.datetime'>, timestamp-string",
}

// isOf takes a boolean for a whole number too, because Python does, and for a moment whatever can be read as one.
func isOf(v any, shapeType string) bool {
	if shapeType == "timestamp" {
		if f, ok := v.(document.Foreign); ok {
			return f.Class == beginning.Class
		}
		_, err := ISO8601.timestamp(v)
		return err == nil
	}
	switch v.(type) {
	case *document.Map:
		return shapeType == "structure" || shapeType == "map"
	case []any:
		return shapeType == "list"
	case string:
		return shapeType == "string"
	case int64, *big.Int:
		return shapeType == "integer"
	case bool:
		return shapeType == "boolean" || shapeType == "integer"
	}
	return false
}

func (r *report) structure(m *document.Map, s *model.Shape, name string) {
	for _, required := range s.Required {
		if _, ok := m.Get(required); !ok {
			r.add(`Missing required parameter in %s: "%s"`, name, required)
		}
	}
	for key := range m.All() {
		if s.Member(key) == nil {
			r.add(`Unknown parameter in %s: "%s", must be one of: %s`, name, key, memberNames(s))
		}
	}
	for key, v := range m.All() {
		if member := s.Member(key); member != nil {
			r.check(v, member, name+"."+key)
		}
	}
}

func memberNames(s *model.Shape) string {
	names := make([]string, len(s.Members))
	for i, m := range s.Members {
		names[i] = m.Name
	}
	return strings.Join(names, ", ")
}

func (r *report) mapping(m *document.Map, s *model.Shape, name string) {
	for key, v := range m.All() {
		r.check(m.Key(key), s.Key, fmt.Sprintf("%s (key: %s)", name, key))
		r.check(v, s.Elem, name+"."+key)
	}
}

func (r *report) list(list []any, s *model.Shape, name string) {
	r.length(len(list), s, name)
	for i, v := range list {
		r.check(v, s.Elem, fmt.Sprintf("%s[%d]", name, i))
	}
}

func (r *report) length(n int, s *model.Shape, name string) {
	if s.Min != nil && int64(n) < *s.Min {
		r.add("Invalid length for parameter %s, value: %d, valid min length: %d", name, n, *s.Min)
	}
}

func (r *report) number(v any, s *model.Shape, name string) {
	if s.Min != nil && number(v).Cmp(big.NewInt(*s.Min)) < 0 {
		r.add("Invalid value for parameter %s, value: %s, valid min value: %d", name, document.Str(v), *s.Min)
	}
}

func number(v any) *big.Int {
	switch v := v.(type) {
	case *big.Int:
		return v
	case int64:
		return big.NewInt(v)
	}
	if v == true {
		return big.NewInt(1)
	}
	return big.NewInt(0)
}
