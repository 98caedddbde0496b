package jmespath

import (
	"cmp"
	"math"
	"math/big"
	"strings"

	"apron/cli/document"
)

// truth reports whether v counts as true: all but null, false and what is empty. 0 does.
func truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case *document.Map:
		return v.Len() > 0
	}
	return true
}

// compare is the value of a comparison: true, false, or null where there is no order.
func compare(by kind, left, right any) (any, error) {
	switch by {
	case kindEqual:
		return equal(left, right), nil
	case kindNotEqual:
		return !equal(left, right), nil
	}
	if !hasOrder(left) || !hasOrder(right) {
		return nil, nil
	}
	return ordered(by, left, right)
}

func hasOrder(v any) bool { return typeOf(v) == "number" || typeOf(v) == "string" }

// ordered compares two numbers or two strings. One of each is an error of Python's.
func ordered(by kind, left, right any) (bool, error) {
	if typeOf(left) != typeOf(right) {
		return false, faultf("'%s' not supported between instances of '%s' and '%s'",
			symbol(by), pythonType(left), pythonType(right))
	}
	order, ok := order(left, right)
	if !ok {
		return false, nil
	}
	switch by {
	case kindLess:
		return order < 0, nil
	case kindGreater:
		return order > 0, nil
	case kindAtMost:
		return order <= 0, nil
	}
	return order >= 0, nil
}

func symbol(k kind) string {
	for _, o := range operators {
		if o.kind == k {
			return o.text
		}
	}
	return string(k)
}

// order tells which of two strings or two numbers is the greater; NaN has no order.
func order(a, b any) (int, bool) {
	if s, ok := a.(string); ok {
		return strings.Compare(s, b.(string)), true // by code points, as their UTF-8 sorts
	}
	return orderNumbers(a, b)
}

// orderNumbers is exact, whatever the kinds of the two numbers.
func orderNumbers(a, b any) (int, bool) {
	if i, ok := a.(int64); ok {
		if j, ok := b.(int64); ok {
			return cmp.Compare(i, j), true
		}
	}
	x, y := exact(a), exact(b)
	if x == nil || y == nil {
		return 0, false
	}
	return x.Cmp(y), true
}

// exact is nil for NaN.
func exact(n any) *big.Float {
	switch n := n.(type) {
	case int64:
		return new(big.Float).SetInt64(n)
	case *big.Int:
		return new(big.Float).SetInt(n)
	case float64:
		if !math.IsNaN(n) {
			return new(big.Float).SetFloat64(n)
		}
	}
	return nil
}

// equal is the == of JMESPath: a number is never a boolean, which Python alone would say of 0 and 1.
func equal(a, b any) bool {
	_, aBool := a.(bool)
	_, bBool := b.(bool)
	return aBool == bBool && same(a, b)
}

// same is Python's ==, in which false is 0 and true is 1. It decides what is inside lists and maps.
func same(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && sameLists(a, b)
	case *document.Map:
		b, ok := b.(*document.Map)
		return ok && sameMaps(a, b)
	case bool, int64, *big.Int, float64:
		if n := whole(b); typeOf(n) == "number" {
			order, ok := orderNumbers(whole(a), n)
			return ok && order == 0
		}
		return false
	}
	switch b.(type) {
	case []any: // which Go does not compare
		return false
	}
	return a == b
}

func sameLists(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !same(a[i], b[i]) {
			return false
		}
	}
	return true
}

func sameMaps(a, b *document.Map) bool {
	if a.Len() != b.Len() {
		return false
	}
	for key, v := range a.All() {
		if w, ok := b.Get(key); !ok || !same(v, w) {
			return false
		}
	}
	return true
}

// whole makes a boolean the number that it is to Python.
func whole(v any) any {
	switch v {
	case false:
		return int64(0)
	case true:
		return int64(1)
	}
	return v
}
