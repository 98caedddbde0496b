package jmespath

import "apron/cli/document"

// operand reads what begins with t, which was just taken.
func (p *parser) operand(t token) (node, error) {
	switch t.kind {
	case kindLiteral:
		return literal{t.value}, nil
	case kindUnquoted:
		return field(t.value.(string)), nil
	case kindQuoted:
		return p.quotedField(t)
	case kindCurrent:
		return current{}, nil
	case kindStar:
		return p.everyValue()
	case kindFilter:
		return p.filter(current{}, 3)
	case kindFlatten:
		return p.flatten(current{})
	case kindNot:
		of, err := p.expression(power(kindNot), 2)
		return not{of}, err
	case kindExpref:
		p.exprefs = true
		of, err := p.expression(0, 2)
		return reference{of}, err
	case kindLeftParen:
		return p.parenthesis()
	case kindLeftBrace:
		return p.hash(3)
	case kindLeftBrack:
		return p.bracket()
	case kindEOF:
		return nil, p.incomplete()
	}
	return nil, p.fault(t, "invalid token")
}

// quotedField is t, which must not be meant as a function's name. Column 0 is where the CLI points then, wherever t is.
func (p *parser) quotedField(t token) (node, error) {
	if next := p.peek(); next.kind == kindLeftParen {
		return nil, p.faultAt(0, next, "Quoted identifier not allowed for function names.")
	}
	return field(t.value.(string)), nil
}

// everyValue reads what is behind a * that nothing precedes.
func (p *parser) everyValue() (node, error) {
	if p.is(kindRightBrack) {
		return valueProjection{current{}, current{}}, nil
	}
	each, err := p.projected(power(kindStar), 2)
	return valueProjection{current{}, each}, err
}

// flatten reads what is behind [].
func (p *parser) flatten(of node) (node, error) {
	each, err := p.projected(power(kindFlatten), 2)
	return projection{flattened{of}, each}, err
}

func (p *parser) parenthesis() (node, error) {
	inner, err := p.expression(0, 2)
	if err != nil {
		return nil, err
	}
	return inner, p.expect(kindRightParen)
}

// bracket reads what is behind a [ that nothing precedes: an index, a slice, a wildcard or a list of expressions.
func (p *parser) bracket() (node, error) {
	switch {
	case p.is(kindNumber, kindColon):
		return p.indexOf(current{})
	case p.is(kindStar) && p.tokens[p.at+1].kind == kindRightBrack:
		p.at += 2
		each, err := p.projected(power(kindStar), 2)
		return projection{current{}, each}, err
	}
	return p.list(3)
}

// list reads [a, b] from behind its bracket.
func (p *parser) list(calls int) (node, error) {
	var l list
	for {
		item, err := p.expression(0, calls)
		if err != nil {
			return nil, err
		}
		l = append(l, item)
		if p.is(kindRightBrack) {
			p.at++
			return l, nil
		}
		if err := p.expect(kindComma); err != nil {
			return nil, err
		}
	}
}

// hash reads {a: b, c: d} from behind its brace. A comma that is missing is not missed.
func (p *parser) hash(calls int) (node, error) {
	var h hash
	for {
		m, err := p.member(calls)
		if err != nil {
			return nil, err
		}
		h = append(h, m)
		switch p.peek().kind {
		case kindComma:
			p.at++
		case kindRightBrace:
			p.at++
			return h, nil
		}
	}
}

func (p *parser) member(calls int) (member, error) {
	key, err := p.expectName()
	if err != nil {
		return member{}, err
	}
	if err := p.expect(kindColon); err != nil {
		return member{}, err
	}
	value, err := p.expression(0, calls)
	return member{key, value}, err
}

// indexOf reads 0] or 1:2:3] and applies it to of.
func (p *parser) indexOf(of node) (node, error) {
	right, err := p.indexOrSlice()
	if err != nil {
		return nil, err
	}
	found := indexed{chain{of, right}}
	if _, ok := right.(slice); !ok {
		return found, nil
	}
	each, err := p.projected(power(kindStar), 3)
	return projection{found, each}, err
}

func (p *parser) indexOrSlice() (node, error) {
	if p.is(kindColon) || p.tokens[p.at+1].kind == kindColon {
		return p.slice()
	}
	i := index{p.take().value}
	return i, p.expect(kindRightBrack)
}

// slice reads the three numbers of 1:2:3], each of which may be missing; of two without a colon between them the last
// counts.
func (p *parser) slice() (node, error) {
	var s slice
	part := 0
	for !p.is(kindRightBrack) {
		switch t := p.peek(); {
		case t.kind == kindColon && part < len(s)-1:
			part++
		case t.kind == kindNumber:
			s[part] = t.value
		default:
			return nil, p.fault(t, "syntax error")
		}
		p.at++
	}
	p.at++
	return s, nil
}

// function reads the arguments behind name( in which commas are a matter of taste.
func (p *parser) function(left node) (node, error) {
	name, ok := left.(field)
	if !ok {
		before := p.tokens[p.at-2]
		return nil, p.fault(before, "Invalid function name '"+document.Str(before.value)+"'")
	}
	c := call{name: string(name)}
	for !p.is(kindRightParen) {
		argument, err := p.expression(0, 2)
		if err != nil {
			return nil, err
		}
		c.arguments = append(c.arguments, argument)
		if p.is(kindComma) {
			p.at++
		}
	}
	p.at++
	return c, nil
}
