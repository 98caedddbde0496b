package jmespath

import (
	"slices"
	"strings"

	"apron/cli/document"
)

func contains(_ *search, a []any) (any, error) {
	if items, ok := a[0].([]any); ok {
		return slices.ContainsFunc(items, func(item any) bool { return same(item, a[1]) }), nil
	}
	part, ok := a[1].(string)
	if !ok {
		return nil, faultf("'in <string>' requires string as left operand, not %s", pythonType(a[1]))
	}
	return strings.Contains(a[0].(string), part), nil
}

func startsWith(_ *search, a []any) (any, error) {
	return strings.HasPrefix(a[0].(string), a[1].(string)), nil
}

func endsWith(_ *search, a []any) (any, error) {
	return strings.HasSuffix(a[0].(string), a[1].(string)), nil
}

func joined(_ *search, a []any) (any, error) {
	var b strings.Builder
	for i, item := range a[1].([]any) {
		if i > 0 {
			b.WriteString(a[0].(string))
		}
		b.WriteString(item.(string))
	}
	return b.String(), nil
}

// length counts the characters of a string.
func length(_ *search, a []any) (any, error) {
	switch v := a[0].(type) {
	case string:
		return int64(len(document.Characters(v))), nil
	case []any:
		return int64(len(v)), nil
	}
	return int64(a[0].(*document.Map).Len()), nil
}

func reverse(_ *search, a []any) (any, error) {
	if s, ok := a[0].(string); ok {
		characters := document.Characters(s)
		slices.Reverse(characters)
		return document.Text(characters...), nil
	}
	items := slices.Clone(a[0].([]any))
	slices.Reverse(items)
	return items, nil
}

func toString(_ *search, a []any) (any, error) {
	if s, ok := a[0].(string); ok {
		return s, nil
	}
	var b strings.Builder
	compact(&b, a[0])
	return b.String(), nil
}

// typeName has no name for what JSON has none of.
func typeName(_ *search, a []any) (any, error) {
	if name := typeOf(a[0]); name != "expref" && name != "unknown" {
		return name, nil
	}
	return nil, nil
}
