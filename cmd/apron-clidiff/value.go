package main

import (
	"fmt"
	"strings"

	"apron/cli/document"
	"apron/cli/model"
)

// words are what a person types for a value: scalars as they are, lists as words, what has structure as JSON or in
// shorthand, and now and then something else.
func (d *draw) words(s *model.Shape) []string {
	if d.chance(6) {
		return []string{pick(d, []string{"", "{", "[1,", "a=b", "x", "[]", "{}", "file://no-such-file", "Key=a,Key=b", `"quoted"`, "é", "a,b", "Key={", "-1"})}
	}
	switch s.Type {
	case "list":
		return d.listWords(s)
	case "structure", "map":
		if d.chance(50) {
			return []string{document.JSON(d.value(s, 0), 0, d.chance(50))}
		}
		return []string{d.shorthand(d.value(s, 0), true)}
	}
	return []string{document.Str(d.value(s, 0))}
}

func (d *draw) listWords(s *model.Shape) []string {
	list := d.value(s, 0).([]any)
	if d.chance(30) {
		return []string{document.JSON(list, 0, false)}
	}
	var words []string
	for _, v := range list {
		if text, ok := v.(string); ok {
			words = append(words, text)
		} else {
			words = append(words, d.shorthand(v, true))
		}
	}
	return words
}

// shorthand writes v as AWS's shorthand syntax, outermost without its braces.
func (d *draw) shorthand(v any, outermost bool) string {
	switch v := v.(type) {
	case *document.Map:
		var pairs []string
		for key, value := range v.All() {
			pairs = append(pairs, key+"="+d.shorthand(value, false))
		}
		text := strings.Join(pairs, pick(d, []string{",", ",", ", "}))
		if outermost {
			return text
		}
		return "{" + text + "}"
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, d.shorthand(item, false))
		}
		return "[" + strings.Join(items, ",") + "]"
	case string:
		return pick(d, []string{v, v, v, "'" + v + "'", `"` + v + `"`})
	case bool:
		return pick(d, []string{fmt.Sprint(v), document.Str(v)})
	}
	return document.Str(v)
}

// value draws a value of the shape, nearly always a right one. Depth bounds what holds itself.
func (d *draw) value(s *model.Shape, depth int) any {
	if depth > 0 && d.chance(2) {
		return pick(d, []any{nil, int64(3), "s", true, 1.5, []any{}, &document.Map{}, []any{"x"}})
	}
	switch s.Type {
	case "structure":
		return d.structure(s, depth)
	case "map":
		m := &document.Map{}
		for range d.IntN(3) {
			m.Set(d.name("K"), d.value(s.Elem, depth+1))
		}
		return m
	case "list":
		list := []any{}
		for range d.IntN(4) {
			list = append(list, d.value(s.Elem, depth+1))
		}
		return list
	}
	return d.scalar(s)
}

func (d *draw) structure(s *model.Shape, depth int) any {
	m := &document.Map{}
	for _, member := range s.Members {
		share := 50
		if s.IsRequired(member.Name) {
			share = 97
		}
		if depth < 6 && d.chance(share) {
			m.Set(member.Name, d.value(member.Shape, depth+1))
		}
	}
	if d.chance(4) {
		m.Set("Unknown", "x")
	}
	return m
}

func (d *draw) scalar(s *model.Shape) any {
	switch s.Type {
	case "integer":
		return pick(d, []any{int64(1), int64(5), int64(25), int64(0), int64(-1), int64(1000)})
	case "boolean":
		return d.chance(50)
	case "timestamp":
		return pick(d, []any{1600000000.5, int64(1600000000), 1700000000.123, 0.0})
	}
	if len(s.Enum) > 0 && d.chance(90) {
		return pick(d, s.Enum)
	}
	return pick(d, texts)
}

var texts = []string{
	"web-app", "a", "", "x y", "ключ", "arn:aws:apprunner:us-east-1:123456789012:service/web/8fe1e10304f84fd2b0df550fe98a71fa", "true", "12", "1.50", "null", "a: b", "- x",
	"#no", "value with a rather long text that goes on and on until it is longer than one line of eighty characters", "it's", `say "hi"`, "tab\there", "line\nbreak", "値", "2020-01-01", "~", "@x", "%p", "yes", "0x1F", "1e3",
}
