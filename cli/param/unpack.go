package param

import (
	"errors"
	"fmt"
	"strings"

	"apron/cli/document"
	"apron/cli/model"
	"apron/cli/shorthand"
)

// Load gives the value of an option, without its dashes, or what is in the file that it names with file:// or fileb://.
// A list of one value is loaded as that value, whatever the file holds.
func Load(option string, value any) (any, error) {
	text, ok := value.(string)
	if list, isList := value.([]any); isList && len(list) == 1 {
		text, ok = list[0].(string)
	}
	if !ok {
		return value, nil
	}
	loaded, ok, err := load(text)
	if err != nil {
		return nil, unloaded("--"+option, err)
	}
	if !ok {
		return value, nil
	}
	return loaded, nil
}

// unloaded says which option's file could not be read. What is wrong with the encoding is no option's fault.
func unloaded(option string, err error) error {
	if _, ok := errors.AsType[encodingError](err); ok {
		return err
	}
	return wrong(option, "%v", err)
}

// Unpack makes a parameter of the value of an option, without its dashes, for a member of that shape. The value is as
// the options' parser or Load gave it: a string, a list of strings, a boolean or bytes. Whether the parameter is one
// that the shape allows is for Validate to say.
func Unpack(option string, s *model.Shape, value any) (any, error) {
	u := unpacker{"--" + option}
	if shorthand.Supports(s) && !looksLikeJSON(value) {
		return u.shorthand(s, value)
	}
	return u.value(s, value)
}

type unpacker struct{ option string }

// looksLikeJSON goes by the first of several values.
func looksLikeJSON(value any) bool {
	if list, ok := value.([]any); ok && len(list) > 0 {
		value = list[0]
	}
	text, _ := value.(string)
	first := firstOf(text)
	return first == "{" || first == "["
}

// firstOf is the first character that is no white space, or "".
func firstOf(text string) string {
	for _, r := range strings.TrimLeftFunc(text, document.IsSpace) {
		return string(r)
	}
	return ""
}

func (u unpacker) shorthand(s *model.Shape, value any) (any, error) {
	list, isList := value.([]any)
	if !isList {
		v, err := u.parse(value)
		if err == nil {
			err = shorthand.Fit(v, s)
		}
		return v, err
	}
	parsed := make([]any, len(list))
	for i, text := range list {
		v, err := u.parse(text)
		if err != nil {
			return nil, err
		}
		parsed[i] = v
	}
	return parsed, shorthand.Fit(parsed, s)
}

func (u unpacker) parse(value any) (any, error) {
	text, ok := value.(string)
	if !ok {
		return nil, errors.New("'in <string>' requires string as left operand, not int") // what Python makes of bytes
	}
	p := shorthand.Parser{Load: func(v string) (any, bool, error) {
		v2, ok, err := load(v)
		if err != nil {
			err = unloaded(u.option, err)
		}
		return v2, ok, err
	}}
	m, err := p.Parse(text)
	if err == nil {
		return m, nil
	}
	if shorthand.IsMalformed(err) {
		err = wrong(u.option, "%v", err)
	}
	return nil, err
}

// value is for what is not in shorthand: scalars, JSON, and lists of these.
func (u unpacker) value(s *model.Shape, value any) (any, error) {
	switch s.Type {
	case "structure", "map":
		return u.object(value)
	case "list":
		return u.list(s, value)
	case "integer":
		return integer(value)
	}
	return value, nil
}

func (u unpacker) object(value any) (any, error) {
	text, _ := value.(string)
	switch firstOf(text) {
	case "{":
		return u.json(text)
	case "":
		return nil, errIndex
	}
	return nil, wrong(u.option, "Invalid JSON:\n%s", text)
}

// errIndex is what the AWS CLI says of a blank text where it looks for a bracket.
var errIndex = errors.New("string index out of range")

// list takes one text that begins with a bracket for all of the list, else a text for each element. The text of a file
// is taken apart into its characters; that is no use, but what the AWS CLI does.
func (u unpacker) list(s *model.Shape, value any) (any, error) {
	switch v := value.(type) {
	case string:
		switch firstOf(v) {
		case "[":
			return u.json(v)
		case "":
			return nil, errIndex
		}
		return u.elements(s, elementsOf(v))
	case []any:
		if text, _ := first(v).(string); len(v) == 1 && firstOf(text) == "[" {
			return u.json(text)
		}
		return u.elements(s, v)
	}
	return u.elements(s, elementsOf(value))
}

func first(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func (u unpacker) elements(s *model.Shape, values []any) (any, error) {
	list := []any{}
	for _, value := range values {
		v, err := u.value(s.Elem, value)
		if err != nil {
			if _, ok := errors.AsType[*valueError](err); ok {
				err = wrong(u.option, "%s", document.Str(values[0]))
			}
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// elementsOf is what Python's loop over a text or bytes meets.
func elementsOf(value any) []any {
	var list []any
	switch v := value.(type) {
	case string:
		for _, r := range v {
			list = append(list, string(r))
		}
	case document.Bytes:
		for _, b := range v {
			list = append(list, int64(b))
		}
	}
	return list
}

func (u unpacker) json(text string) (any, error) {
	v, err := document.ParseOrdered(text)
	if _, deep := errors.AsType[*document.DepthError](err); deep {
		return nil, err
	}
	if err != nil {
		return nil, wrong(u.option, "Invalid JSON: %v\nJSON received: %s", err, text)
	}
	return v, nil
}

// valueError is a number that is none, in Python's words.
type valueError struct{ error }

func integer(value any) (any, error) {
	switch v := value.(type) {
	case string:
		n, err := document.Int(v)
		if err != nil {
			return nil, &valueError{err}
		}
		return n, nil
	case document.Bytes:
		n, err := document.Int(string(v))
		if err != nil {
			return nil, &valueError{fmt.Errorf("invalid literal for int() with base 10: %.200s", document.Repr(v))}
		}
		return n, nil
	case int64:
		return v, nil
	}
	return nil, &valueError{fmt.Errorf("int() argument must be a string, a bytes-like object or a real number, not '%s'", document.Type(value))}
}
