package jmespath

import (
	"slices"
	"strings"

	"apron/cli/document"
)

// typeOf is JMESPath's name for the type of v.
func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case *document.Map:
		return "object"
	case *expref:
		return "expref"
	case document.Foreign:
		return "unknown"
	}
	return "number"
}

func pythonType(v any) string {
	if _, ok := v.(*expref); ok {
		return "_Expression"
	}
	name := document.Type(v)
	return name[strings.LastIndexByte(name, '.')+1:]
}

// show is Python's str().
func show(v any) string { return document.Str(printable(v)) }

// exprefText is how Python prints an expression reference, with an address that differs each time.
const exprefText = "<jmespath.visitor._Expression object at 0x7f0000000000>"

// shownExpref stands for one: unlike a text it is printed without quotes in a list too.
var shownExpref = document.Foreign{Class: "jmespath.visitor._Expression", Repr: exprefText, Text: exprefText}

// printable is v with what can be printed for each expression reference, which no other package knows of.
func printable(v any) any {
	if !holdsExpref(v) {
		return v
	}
	switch v := v.(type) {
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = printable(item)
		}
		return items
	case *document.Map:
		m := &document.Map{}
		for key, item := range v.All() {
			m.Set(key, printable(item))
		}
		return m
	}
	return shownExpref
}

func holdsExpref(v any) bool {
	switch v := v.(type) {
	case *expref:
		return true
	case []any:
		if slices.ContainsFunc(v, holdsExpref) {
			return true
		}
	case *document.Map:
		for _, item := range v.All() {
			if holdsExpref(item) {
				return true
			}
		}
	}
	return false
}

// compact is JSON without blanks, in ASCII.
func compact(b *strings.Builder, v any) {
	switch v := v.(type) {
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			separate(b, i)
			compact(b, item)
		}
		b.WriteByte(']')
	case *document.Map:
		b.WriteByte('{')
		for i, key := range v.Keys() {
			separate(b, i)
			item, _ := v.Get(key)
			b.WriteString(document.JSON(key, 0, true) + ":")
			compact(b, item)
		}
		b.WriteByte('}')
	case document.Foreign:
		b.WriteString(document.JSON(v.Text, 0, true))
	default:
		b.WriteString(document.JSON(printable(v), 0, true))
	}
}

func separate(b *strings.Builder, i int) {
	if i > 0 {
		b.WriteByte(',')
	}
}
