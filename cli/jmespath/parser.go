package jmespath

import (
	"fmt"
	"slices"
	"strings"

	"apron/cli/document"
)

// parser is a top-down operator precedence parser: an expression is an operand (operand.go) and whatever operators
// (operator.go) behind it bind tighter than those before it.
type parser struct {
	text    string
	tokens  []token
	at      int
	depth   int
	exprefs bool // whether there is an expression reference anywhere
}

// power is how tightly a token binds what stands before it; 0 binds nothing.
func power(k kind) int {
	switch k {
	case kindPipe:
		return 1
	case kindOr:
		return 2
	case kindAnd:
		return 3
	case kindEqual, kindNotEqual, kindLess, kindGreater, kindAtMost, kindAtLeast:
		return 5
	case kindFlatten:
		return 9
	case kindStar:
		return 20
	case kindFilter:
		return 21
	case kindDot:
		return 40
	case kindNot:
		return 45
	case kindLeftBrace:
		return 50
	case kindLeftBrack:
		return 55
	case kindLeftParen:
		return 60
	}
	return 0
}

// projectionStop is the power from which on a token continues a projection; what binds less ends it.
const projectionStop = 10

func (p *parser) parse() (node, error) {
	root, err := p.expression(0, 1)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != kindEOF {
		return nil, p.fault(t, "Unexpected token: "+document.Str(t.value))
	}
	return root, nil
}

// expression reads as far as operators bind tighter than above. calls is how many calls deeper than the expression
// around it Python would be, which counts for the depth at which it gives up.
func (p *parser) expression(above, calls int) (node, error) {
	p.depth += calls
	defer func() { p.depth -= calls }()
	if p.depth > depthLimit {
		return nil, errDepth
	}
	left, err := p.operand(p.take())
	for err == nil && above < power(p.peek().kind) {
		left, err = p.operator(left, p.take())
	}
	return left, err
}

// peek is the token at hand. The last one, the end, is never taken without an error, so there is always one.
func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	p.at++
	return t
}

func (p *parser) expect(k kind) error {
	if t := p.peek(); t.kind != k {
		return p.missing(string(k), t)
	}
	p.at++
	return nil
}

// expectName takes an identifier and returns it.
func (p *parser) expectName() (string, error) {
	t := p.peek()
	if t.kind != kindQuoted && t.kind != kindUnquoted {
		return "", p.missing(names(kindQuoted, kindUnquoted), t)
	}
	p.at++
	return t.value.(string), nil
}

func (p *parser) missing(wanted string, t token) error {
	if t.kind == kindEOF {
		return p.incomplete()
	}
	return p.fault(t, fmt.Sprintf("Expecting: %s, got: %s", wanted, t.kind))
}

// names writes kinds as Python writes a list of strings.
func names[S ~string](list ...S) string {
	values := make([]any, len(list))
	for i, name := range list {
		values[i] = string(name)
	}
	return document.Repr(values)
}

func (p *parser) fault(t token, problem string) error {
	return p.faultAt(column(p.text, t.pos), t, problem)
}

func (p *parser) faultAt(column int, t token, problem string) error {
	return faultf("%s: Parse error at column %d, token \"%s\" (%s), for expression:\n\"%s\"\n%s^", problem, column,
		document.Str(t.value), strings.ToUpper(string(t.kind)), p.text, strings.Repeat(" ", column+1))
}

func (p *parser) incomplete() error {
	return faultf("Invalid jmespath expression: Incomplete expression:\n\"%s\"\n%s^", p.text,
		strings.Repeat(" ", column(p.text, len(p.text))+1))
}

// is reports whether the token at hand is one of kinds.
func (p *parser) is(kinds ...kind) bool { return slices.Contains(kinds, p.peek().kind) }
