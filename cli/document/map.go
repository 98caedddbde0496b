// Package document holds schemaless values as the AWS CLI handles them: JSON whose objects keep the order of their
// members, whose numbers are whole or not, and whose texts in errors are those of Python, in which AWS's CLI is written.
// Every other package of the command line passes its values around; this one knows nothing of AWS.
//
// A value is nil, bool, int64, *big.Int (a whole number beyond int64), float64, string, []any or *Map; where a file was
// read as binary also Bytes, which no JSON has; and in what was read from YAML or is a sample a Foreign. Nothing else may be put into one.
package document

import (
	"iter"
	"slices"
)

// Bytes is what a file holds that was read as binary.
type Bytes []byte

// Map is a JSON object that keeps the order in which its members were first set. Its zero value is empty and ready.
// It is not safe for concurrent use.
type Map struct {
	keys    []string
	values  map[string]any
	ordered bool           // it is an OrderedDict to Python, which only Repr and Type tell
	foreign map[string]any // the keys that are no strings, by their text
}

// NewMap returns the map of the pairs given: a key, its value, the next key, and so on. An odd count or a key that is
// no string is a programmer's error and panics.
func NewMap(pairs ...any) *Map {
	if len(pairs)%2 != 0 {
		panic("document: NewMap needs pairs")
	}
	m := &Map{}
	for i := 0; i < len(pairs); i += 2 {
		m.Set(pairs[i].(string), pairs[i+1])
	}
	return m
}

// Set gives key its value; a key that is there keeps its place.
func (m *Map) Set(key string, value any) {
	if m.values == nil {
		m.values = map[string]any{}
	}
	if _, ok := m.values[key]; !ok {
		m.keys = append(m.keys, key)
	}
	m.values[key] = value
}

// SetKey gives a key of any type its value, as YAML allows it. In all other methods it goes by its text.
func (m *Map) SetKey(key, value any) {
	text := Str(key)
	m.Set(text, value)
	delete(m.foreign, text)
	if _, ok := key.(string); ok {
		return
	}
	if m.foreign == nil {
		m.foreign = map[string]any{}
	}
	m.foreign[text] = key
}

// Key returns the key itself of that text, which is the text unless SetKey was given something else.
func (m *Map) Key(text string) any {
	if key, ok := m.foreign[text]; ok {
		return key
	}
	return text
}

// Get returns the value of key, and whether there is one.
func (m *Map) Get(key string) (any, bool) {
	v, ok := m.values[key]
	return v, ok
}

// Delete removes key; one that is not there is no error.
func (m *Map) Delete(key string) {
	if _, ok := m.values[key]; !ok {
		return
	}
	delete(m.values, key)
	delete(m.foreign, key)
	m.keys = slices.DeleteFunc(m.keys, func(k string) bool { return k == key })
}

func (m *Map) wellFormed() *Map {
	formed := &Map{ordered: m.ordered, foreign: m.foreign}
	for k, v := range m.All() {
		formed.Set(wellFormed(k), WellFormed(v))
	}
	return formed
}

// Len is the number of members.
func (m *Map) Len() int { return len(m.keys) }

// Keys returns the keys in order; the slice is the caller's.
func (m *Map) Keys() []string { return slices.Clone(m.keys) }

// All yields the members in order. The map must not change meanwhile.
func (m *Map) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, k := range m.keys {
			if !yield(k, m.values[k]) {
				return
			}
		}
	}
}
