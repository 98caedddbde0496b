package api

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Validate checks a pointer to a structure of this package against the model's constraints, as Decode does for a body.
// It returns one *Error of KindInvalidRequest that lists all faults. A Go value cannot tell absent from zero, so a
// required string that is empty and not allowed to be counts as absent. It is meant for inputs: of what the service
// itself answers, the model contradicts its own constraints in places, such as ServiceId.
func Validate(v any) error {
	target, s, err := structureOf(v)
	if err != nil {
		return fmt.Errorf("validate: %w", err)
	}
	var c checker
	c.value(s, target, nil)
	return c.err()
}

// checker collects the constraints that a value violates.
type checker struct {
	absent map[string]bool // what the body lacked; nil for a value that was never JSON
	faults []string
	more   int // faults beyond maxFaults
}

// maxFaults bounds what a hostile list of bad elements can make us keep; a message of 600 characters holds fewer.
const maxFaults = 16

const notNull = "Member must not be null"

func (c *checker) fault(value string, at *path, rule string) {
	if len(c.faults) == maxFaults {
		c.more++
		return
	}
	c.faults = append(c.faults, fmt.Sprintf("Value %sat '%s' failed to satisfy constraint: %s", value, at, rule))
}

// value checks v, which is not nil.
func (c *checker) value(s *shape, v reflect.Value, at *path) {
	switch s.kind {
	case kindStructure:
		for i, m := range s.members {
			c.member(m, v.Field(i), at.member(m.name))
		}
	case kindList:
		c.all(limits(s, v.Len(), "length"), at)
		for i := range v.Len() {
			c.element(s.elem, v.Index(i), at.element(i))
		}
	case kindMap:
		c.entries(s, v, at)
	case kindInteger:
		c.scalar(s, limits(s, int(v.Int()), "value"), strconv.FormatInt(v.Int(), 10), at)
	case kindString:
		c.scalar(s, textRules(s, v.String()), v.String(), at)
	}
}

func (c *checker) all(rules []string, at *path) {
	for _, rule := range rules {
		c.fault("", at, rule)
	}
}

func (c *checker) scalar(s *shape, rules []string, value string, at *path) {
	for _, rule := range rules {
		c.fault(quoted(s, value), at, rule)
	}
}

func (c *checker) member(m member, v reflect.Value, at *path) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if v.IsNil() {
			if m.required {
				c.fault("null ", at, notNull)
			}
			return
		}
	default:
		if m.required && c.lacks(m.shape, v, at) {
			c.fault("null ", at, notNull)
			return
		}
	}
	c.value(m.shape, reflect.Indirect(v), at)
}

// lacks reports whether a required scalar is absent.
func (c *checker) lacks(s *shape, v reflect.Value, at *path) bool {
	if c.absent != nil {
		return len(c.absent) > 0 && c.absent[at.String()]
	}
	switch s.kind {
	case kindString:
		return v.String() == "" && len(textRules(s, "")) > 0
	case kindTimestamp:
		return v.IsZero()
	}
	return false
}

func (c *checker) element(s *shape, v reflect.Value, at *path) {
	if len(c.absent) > 0 && c.absent[at.String()] {
		c.fault("null ", at, notNull)
		return
	}
	c.value(s, v, at)
}

// entries names the map, not the entry, as AWS does: keys may be as secret as values.
func (c *checker) entries(s *shape, v reflect.Value, at *path) {
	c.all(limits(s, v.Len(), "length"), at)
	keyRules, valueRules := map[string]bool{}, map[string]bool{}
	for iter := v.MapRange(); iter.Next(); {
		for _, rule := range textRules(s.key, iter.Key().String()) {
			keyRules[rule] = true
		}
		for _, rule := range textRules(s.elem, iter.Value().String()) {
			valueRules[rule] = true
		}
	}
	c.entryRules("Map keys", keyRules, at)
	c.entryRules("Map value", valueRules, at)
}

func (c *checker) entryRules(what string, rules map[string]bool, at *path) {
	if len(rules) > 0 {
		broken := strings.Join(slices.Sorted(maps.Keys(rules)), ", ")
		c.fault("", at, what+" must satisfy constraint: ["+broken+"]")
	}
}

// textRules returns the constraints of a string that s violates.
func textRules(s *shape, text string) []string {
	rules := limits(s, utf8.RuneCountInString(text), "length")
	if s.pattern != nil && !s.pattern.match(text) {
		rules = append(rules, s.pattern.rule)
	}
	if s.enum != nil && !slices.Contains(s.enum, text) {
		rules = append(rules, "Member must satisfy enum value set: ["+strings.Join(s.enum, ", ")+"]")
	}
	return rules
}

// limits checks n against min and max; of is "length" or "value".
func limits(s *shape, n int, of string) []string {
	if s.hasMin && n < s.min {
		return []string{fmt.Sprintf("Member must have %s greater than or equal to %d", of, s.min)}
	}
	if s.hasMax && n > s.max {
		return []string{fmt.Sprintf("Member must have %s less than or equal to %d", of, s.max)}
	}
	return nil
}

// maxQuoted is how many characters of a value an error repeats.
const maxQuoted = 64

// quoted is a value as an error shows it; a sensitive one is not shown.
func quoted(s *shape, value string) string {
	if s.sensitive {
		return ""
	}
	if runes := []rune(value); len(runes) > maxQuoted {
		value = string(runes[:maxQuoted]) + "…"
	}
	return "'" + value + "' "
}

// err puts the faults into one message.
func (c *checker) err() error {
	if len(c.faults) == 0 {
		return nil
	}
	return detected(c.faults, len(c.faults)+c.more)
}
