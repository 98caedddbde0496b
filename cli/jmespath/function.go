package jmespath

import (
	"slices"
	"strings"
	"sync"
)

// function is one of those that an expression can call.
type function struct {
	// parameters has for each the types that errors name; none means any. array-number is a list of numbers.
	parameters [][]string
	// variadic functions take more than their parameters, which are checked no more.
	variadic bool
	call     func(s *search, a []any) (any, error)
}

type types = [][]string

var (
	anyType   = []string(nil)
	number    = []string{"number"}
	numbers   = []string{"array-number"}
	text      = []string{"string"}
	array     = []string{"array"}
	object    = []string{"object"}
	exprefs   = []string{"expref"}
	listOrStr = []string{"array", "string"}
	sortables = []string{"array-string", "array-number"}
	rankables = []string{"array-number", "array-string"}
)

// functions is built at the first call of any, because most commands have no query.
var functions = sync.OnceValue(func() map[string]function {
	return map[string]function{
		"abs":         {parameters: types{number}, call: abs},
		"avg":         {parameters: types{numbers}, call: avg},
		"ceil":        {parameters: types{number}, call: ceil},
		"contains":    {parameters: types{listOrStr, anyType}, call: contains},
		"ends_with":   {parameters: types{text, text}, call: endsWith},
		"floor":       {parameters: types{number}, call: floor},
		"join":        {parameters: types{text, {"array-string"}}, call: joined},
		"keys":        {parameters: types{object}, call: keys},
		"length":      {parameters: types{{"string", "array", "object"}}, call: length},
		"map":         {parameters: types{exprefs, array}, call: mapped},
		"max":         {parameters: types{rankables}, call: best(kindGreater)},
		"max_by":      {parameters: types{array, exprefs}, call: bestBy("max_by", kindGreater)},
		"merge":       {parameters: types{object}, variadic: true, call: merge},
		"min":         {parameters: types{rankables}, call: best(kindLess)},
		"min_by":      {parameters: types{array, exprefs}, call: bestBy("min_by", kindLess)},
		"not_null":    {parameters: types{anyType}, variadic: true, call: notNull},
		"reverse":     {parameters: types{listOrStr}, call: reverse},
		"sort":        {parameters: types{sortables}, call: sorted},
		"sort_by":     {parameters: types{array, exprefs}, call: sortBy},
		"starts_with": {parameters: types{text, text}, call: startsWith},
		"sum":         {parameters: types{numbers}, call: sum},
		"to_array":    {parameters: types{anyType}, call: toArray},
		"to_number":   {parameters: types{anyType}, call: toNumber},
		"to_string":   {parameters: types{anyType}, call: toString},
		"type":        {parameters: types{anyType}, call: typeName},
		"values":      {parameters: types{object}, call: values},
	}
})

// call calls the function of that name. Only now an unknown one is an error, behind any in its arguments.
func (s *search) call(name string, arguments []any) (any, error) {
	f, ok := functions()[name]
	if !ok {
		return nil, faultf("Unknown function: %s()", name)
	}
	if err := f.count(name, len(arguments)); err != nil {
		return nil, err
	}
	for i, allowed := range f.parameters {
		if err := accept(name, arguments[i], allowed); err != nil {
			return nil, err
		}
	}
	return f.call(s, arguments)
}

func (f function) count(name string, received int) error {
	wanted := len(f.parameters)
	if received == wanted || f.variadic && received > wanted {
		return nil
	}
	least, plural := "", "s"
	if f.variadic {
		least = "at least "
	}
	if wanted == 1 {
		plural = ""
	}
	return faultf("Expected %s%d argument%s for function %s(), received %d", least, wanted, plural, name, received)
}

// accept holds an argument against the types that its parameter allows.
func accept(name string, v any, allowed []string) error {
	elements := elementTypes(allowed)
	switch got := typeOf(v); {
	case allowed == nil:
		return nil
	case len(elements) == 0 && !slices.Contains(allowed, got), len(elements) > 0 && got != "array":
		return wrongType(name, v, got, allowed)
	case len(elements) > 0:
		return acceptElements(name, v.([]any), elements, allowed)
	}
	return nil
}

// acceptElements wants all items to be of the first's type where there is a choice. The type that its error names is
// Python's, not JMESPath's.
func acceptElements(name string, items []any, elements, allowed []string) error {
	for _, item := range items {
		if !slices.Contains(elements, typeOf(item)) {
			return wrongType(name, item, pythonType(item), allowed)
		}
		elements = []string{typeOf(item)}
	}
	return nil
}

// elementTypes is what the items of a list may be; no parameter allows both lists of some type and anything else.
func elementTypes(allowed []string) []string {
	var elements []string
	for _, name := range allowed {
		if element, ok := strings.CutPrefix(name, "array-"); ok {
			elements = append(elements, element)
		}
	}
	return elements
}

func wrongType(name string, v any, got string, allowed []string) error {
	return faultf("In function %s(), invalid type for value: %s, expected one of: %s, received: \"%s\"",
		name, show(v), names(allowed...), got)
}

// apply evaluates the expression that an argument refers to, three calls deeper as Python counts.
func (s *search) apply(reference, v any) (any, error) {
	s.depth += 3
	defer func() { s.depth -= 3 }()
	return s.eval(reference.(*expref).of, v)
}
