package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// maxDepth is how many objects and lists may stand inside each other. The deepest request of the model needs six.
const maxDepth = 32

// Decode reads a JSON request into a pointer to a zero structure of this package and checks every constraint of the
// model. Member names are matched exactly, unknown members are ignored and null counts as absent, as AWS does; a name
// that occurs twice is refused. An empty body is an object without members. It returns a *MalformedError for what is not JSON of the model's types, and one *Error
// of KindInvalidRequest that lists all violated constraints. Neither holds the value of a sensitive member.
func Decode(body []byte, into any) error {
	target, s, err := structureOf(into)
	if err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	if err := checkJSON(body); err != nil {
		return err
	}
	d := decoder{json: json.NewDecoder(bytes.NewReader(body)), absent: map[string]bool{}}
	d.json.UseNumber()
	present, err := d.value(s, target, nil)
	if err != nil {
		return err
	}
	if !present {
		return malformed(nil, "must be an object, and is null")
	}
	c := checker{absent: d.absent}
	c.value(s, target, nil)
	return c.err()
}

// structureOf returns the structure that v points to and its shape.
func structureOf(v any) (reflect.Value, *shape, error) {
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Pointer && !rv.IsNil() {
		if s := shapeOf(rv.Type().Elem()); s != nil {
			return rv.Elem(), s, nil
		}
	}
	return rv, nil, fmt.Errorf("%T is no pointer to a structure of the API", v)
}

// checkJSON makes sure that the token reader below meets whole, valid JSON: alone it would replace invalid UTF-8 and
// stop at the end of the first value.
func checkJSON(body []byte) error {
	if bytes.HasPrefix(body, []byte("\ufeff")) {
		return malformed(nil, "begins with a byte order mark: send UTF-8 without one")
	}
	if !utf8.Valid(body) {
		return malformed(nil, "is not valid UTF-8")
	}
	if json.Valid(body) {
		return nil
	}
	var raw json.RawMessage
	return notJSON(json.Unmarshal(body, &raw)) // which says what is wrong
}

// decoder fills Go values from tokens, guided by shapes. The JSON it reads is known to be valid, so a failing Token
// would be a bug; its error is passed on nevertheless.
type decoder struct {
	json   *json.Decoder
	depth  int
	absent map[string]bool // paths of required scalars and list elements that the body lacks or that are null
}

// value reads one value of shape s, or of any kind when s is nil. It returns false for null.
func (d *decoder) value(s *shape, into reflect.Value, at *path) (present bool, err error) {
	token, err := d.json.Token()
	if err != nil {
		return false, notJSON(err)
	}
	if token == nil {
		return false, nil
	}
	if s == nil {
		return true, d.skip(token, at)
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch s.kind {
	case kindStructure, kindMap:
		if token != json.Delim('{') {
			return true, wrongType(at, "an object", token)
		}
		return true, d.nested(at, func() error { return d.object(s, into, at) })
	case kindList:
		if token != json.Delim('[') {
			return true, wrongType(at, "a list", token)
		}
		return true, d.nested(at, func() error { return d.list(s, into, at) })
	}
	return true, scalar(s, token, into, at)
}

// nested runs read one level deeper and takes the closing bracket after it.
func (d *decoder) nested(at *path, read func() error) error {
	if d.depth++; d.depth > maxDepth {
		return malformed(nil, "is nested more than %d levels deep", maxDepth)
	}
	defer func() { d.depth-- }()
	if err := read(); err != nil {
		return err
	}
	if _, err := d.json.Token(); err != nil {
		return notJSON(err)
	}
	return nil
}

func (d *decoder) object(s *shape, into reflect.Value, at *path) error {
	if s.kind == kindMap {
		return d.entries(s, into, at)
	}
	return d.members(s, into, at)
}

// members reads a structure and notes which required scalars it lacks; the checker sees the other kinds by their nil.
func (d *decoder) members(s *shape, into reflect.Value, at *path) error {
	found := make([]bool, len(s.members))
	err := d.eachKey(at, func(key string) error {
		i := s.member(key)
		if i < 0 {
			_, err := d.value(nil, reflect.Value{}, at)
			return err
		}
		present, err := d.value(s.members[i].shape, into.Field(i), at.member(key))
		found[i] = present
		return err
	})
	for i, m := range s.members {
		if m.required && !found[i] {
			d.absent[at.member(m.name).String()] = true
		}
	}
	return err
}

// member returns the index of the member of that exact name, or -1.
func (s *shape) member(name string) int {
	for i := range s.members {
		if s.members[i].name == name {
			return i
		}
	}
	return -1
}

// entries reads a map. An entry that is null is left out.
func (d *decoder) entries(s *shape, into reflect.Value, at *path) error {
	into.Set(reflect.MakeMap(into.Type()))
	return d.eachKey(at, func(key string) error {
		elem := reflect.New(into.Type().Elem()).Elem()
		present, err := d.value(s.elem, elem, at)
		if present && err == nil {
			into.SetMapIndex(reflect.ValueOf(key), elem)
		}
		return err
	})
}

// eachKey calls f for each key of the object that the decoder stands in; f reads the value. The path of the error for
// a key that comes twice is the object's, because keys may be sensitive or as long as the body.
func (d *decoder) eachKey(at *path, f func(key string) error) error {
	seen := map[string]bool{}
	for d.json.More() {
		token, err := d.json.Token()
		if err != nil {
			return notJSON(err)
		}
		key, _ := token.(string)
		if seen[key] {
			return malformed(at, "has the same member twice")
		}
		seen[key] = true
		if err := f(key); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) list(s *shape, into reflect.Value, at *path) error {
	into.Set(reflect.MakeSlice(into.Type(), 0, 0))
	for i := 0; d.json.More(); i++ {
		elem := reflect.New(into.Type().Elem()).Elem()
		present, err := d.value(s.elem, elem, at.element(i))
		if err != nil {
			return err
		}
		if !present {
			d.absent[at.element(i).String()] = true
		}
		into.Set(reflect.Append(into, elem))
	}
	return nil
}

// skip reads over the rest of a value that the model does not know.
func (d *decoder) skip(token json.Token, at *path) error {
	switch token {
	case json.Delim('{'):
		return d.nested(at, func() error {
			return d.eachKey(at, func(string) error {
				_, err := d.value(nil, reflect.Value{}, at)
				return err
			})
		})
	case json.Delim('['):
		return d.nested(at, func() error {
			for d.json.More() {
				if _, err := d.value(nil, reflect.Value{}, at); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return nil
}

func scalar(s *shape, token json.Token, into reflect.Value, at *path) error {
	switch s.kind {
	case kindString:
		text, ok := token.(string)
		if !ok {
			return wrongType(at, "a string", token)
		}
		into.SetString(text)
	case kindBoolean:
		b, ok := token.(bool)
		if !ok {
			return wrongType(at, "true or false", token)
		}
		into.SetBool(b)
	case kindInteger:
		number, ok := token.(json.Number)
		if !ok {
			return wrongType(at, "an integer", token)
		}
		return integer(number.String(), into, at)
	case kindTimestamp:
		number, ok := token.(json.Number)
		if !ok {
			return wrongType(at, "a number of seconds since 1970", token)
		}
		t, err := parseTimestamp(number.String())
		if err != nil {
			return malformed(at, "is out of range: %s", err)
		}
		into.Set(reflect.ValueOf(t))
	}
	return nil
}

// integer takes 5, and 5.0 and 5e0 too, which languages with one number type send; the model's integers have 32 bits.
func integer(number string, into reflect.Value, at *path) error {
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n != math.Trunc(n) || n < math.MinInt32 || n > math.MaxInt32 {
		return malformed(at, "must be an integer of 32 bits")
	}
	into.SetInt(int64(n))
	return nil
}
