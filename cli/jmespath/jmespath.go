// Package jmespath evaluates JMESPath as the AWS CLI's --query does: the original dialect, over documents whose objects
// keep their order, with the results and the texts of errors that the CLI's own implementation in Python gives. Where
// that one is lenient (commas between a function's arguments may be missing), lets Python show through (a comparison of
// a string with a number) or departs from the specification (an index before a slice ends its projection), so does this
// one, because scripts were written against it.
package jmespath

import "fmt"

// Expression is a compiled expression. It is immutable and safe for concurrent use.
type Expression struct {
	root    node
	exprefs bool
}

// Compile reads an expression. The error's text, of several lines with a caret below the place, is the CLI's.
func Compile(text string) (*Expression, error) {
	if text == "" {
		return nil, fault("Invalid JMESPath expression: cannot be empty.")
	}
	tokens, err := scan(text)
	if err != nil {
		return nil, err
	}
	p := parser{text: text, tokens: tokens}
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	return &Expression{root: root, exprefs: p.exprefs}, nil
}

// Search returns what the expression finds in v, a value of package document. The result shares parts with v and with
// the expression, so neither may be changed afterwards. An error's text is the CLI's; which functions there are is
// found out here too, not by Compile.
func (e *Expression) Search(v any) (any, error) {
	found, err := (&search{}).eval(e.root, v)
	if err != nil {
		return nil, err
	}
	if e.exprefs && holdsExpref(found) {
		return nil, fault("Circular reference detected") // what Python's json says of a value that it cannot write
	}
	return found, nil
}

// depthLimit is how many calls deep Python lets the CLI go from where it reads or evaluates a query. Its own limit is
// 1,000; the CLI is in about 20 by then.
const depthLimit = 980

const errDepth = fault("maximum recursion depth exceeded")

// fault is an error whose text is fixed by what the CLI prints, whatever Go's habits for such texts are.
type fault string

func (f fault) Error() string { return string(f) }

func faultf(format string, args ...any) fault { return fault(fmt.Sprintf(format, args...)) }
