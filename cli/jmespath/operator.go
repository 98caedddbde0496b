package jmespath

import "fmt"

// operator reads what t, which was just taken, does to left.
func (p *parser) operator(left node, t token) (node, error) {
	switch t.kind {
	case kindDot:
		return p.dot(left)
	case kindPipe, kindOr, kindAnd:
		right, err := p.expression(power(t.kind), 2)
		return join(t.kind, left, right), err
	case kindEqual, kindNotEqual, kindLess, kindGreater, kindAtMost, kindAtLeast:
		right, err := p.expression(power(t.kind), 3)
		return comparison{t.kind, left, right}, err
	case kindFlatten:
		return p.flatten(left)
	case kindFilter:
		return p.filter(left, 2)
	case kindLeftBrack:
		return p.subscript(left)
	case kindLeftParen:
		return p.function(left)
	}
	return nil, p.fault(t, "invalid token")
}

func join(k kind, left, right node) node {
	switch k {
	case kindOr:
		return or{left, right}
	case kindAnd:
		return and{left, right}
	}
	return chain{left, right}
}

// dot reads what is behind left's dot.
func (p *parser) dot(left node) (node, error) {
	if p.is(kindStar) {
		p.at++
		each, err := p.projected(power(kindDot), 2)
		return valueProjection{left, each}, err
	}
	right, err := p.behindDot(power(kindDot), 3)
	if err != nil {
		return nil, err
	}
	if l, ok := left.(path); ok {
		return path{append(l.chain, right)}, nil
	}
	return path{chain{left, right}}, nil
}

// behindDot reads what may stand behind a dot.
func (p *parser) behindDot(above, calls int) (node, error) {
	switch t := p.peek(); t.kind {
	case kindQuoted, kindUnquoted, kindStar:
		return p.expression(above, calls)
	case kindLeftBrack:
		p.at++
		return p.list(calls + 1)
	case kindLeftBrace:
		p.at++
		return p.hash(calls + 1)
	default:
		allowed := names(kindQuoted, kindUnquoted, kindLeftBrack, kindLeftBrace)
		return nil, p.fault(t, fmt.Sprintf("Expecting: %s, got: %s", allowed, t.kind))
	}
}

// projected reads what a projection does to each element.
func (p *parser) projected(above, calls int) (node, error) {
	t := p.peek()
	switch {
	case power(t.kind) < projectionStop:
		return current{}, nil
	case t.kind == kindLeftBrack || t.kind == kindFilter:
		return p.expression(above, calls+1)
	case t.kind == kindDot:
		p.at++
		return p.behindDot(above, calls+2)
	}
	return nil, p.fault(t, "syntax error")
}

// filter reads the condition and what follows it, from behind [? on.
func (p *parser) filter(of node, calls int) (node, error) {
	when, err := p.expression(0, calls)
	if err != nil {
		return nil, err
	}
	if err := p.expect(kindRightBrack); err != nil {
		return nil, err
	}
	if p.is(kindFlatten) {
		return filterProjection{of, when, current{}}, nil
	}
	each, err := p.projected(power(kindFilter), calls)
	return filterProjection{of, when, each}, err
}

// subscript reads what is behind left's bracket: an index, a slice or a wildcard. An index or a slice of what is an
// index already joins it and projects nothing.
func (p *parser) subscript(left node) (node, error) {
	if p.is(kindNumber, kindColon) {
		l, ok := left.(indexed)
		if !ok {
			return p.indexOf(left)
		}
		right, err := p.indexOrSlice()
		return indexed{append(l.chain, right)}, err
	}
	if err := p.expect(kindStar); err != nil {
		return nil, err
	}
	if err := p.expect(kindRightBrack); err != nil {
		return nil, err
	}
	each, err := p.projected(power(kindStar), 2)
	return projection{left, each}, err
}
