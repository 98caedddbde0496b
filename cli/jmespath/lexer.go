package jmespath

import (
	"strings"
	"unicode/utf8"

	"apron/cli/document"
)

// kind is what a token is, by the name that errors give it.
type kind string

const (
	kindEOF        kind = "eof"
	kindUnquoted   kind = "unquoted_identifier"
	kindQuoted     kind = "quoted_identifier"
	kindLiteral    kind = "literal"
	kindNumber     kind = "number"
	kindDot        kind = "dot"
	kindStar       kind = "star"
	kindComma      kind = "comma"
	kindColon      kind = "colon"
	kindCurrent    kind = "current"
	kindExpref     kind = "expref"
	kindPipe       kind = "pipe"
	kindOr         kind = "or"
	kindAnd        kind = "and"
	kindNot        kind = "not"
	kindEqual      kind = "eq"
	kindNotEqual   kind = "ne"
	kindLess       kind = "lt"
	kindGreater    kind = "gt"
	kindAtMost     kind = "lte"
	kindAtLeast    kind = "gte"
	kindFlatten    kind = "flatten"
	kindFilter     kind = "filter"
	kindLeftParen  kind = "lparen"
	kindRightParen kind = "rparen"
	kindLeftBrace  kind = "lbrace"
	kindRightBrace kind = "rbrace"
	kindLeftBrack  kind = "lbracket"
	kindRightBrack kind = "rbracket"
)

// operators has the longer of two that begin alike first.
var operators = [...]struct {
	text string
	kind kind
}{
	{"[]", kindFlatten}, {"[?", kindFilter}, {"||", kindOr}, {"&&", kindAnd},
	{"==", kindEqual}, {"!=", kindNotEqual}, {"<=", kindAtMost}, {">=", kindAtLeast},
	{".", kindDot}, {"*", kindStar}, {",", kindComma}, {":", kindColon}, {"@", kindCurrent},
	{"[", kindLeftBrack}, {"]", kindRightBrack}, {"(", kindLeftParen}, {")", kindRightParen},
	{"{", kindLeftBrace}, {"}", kindRightBrace},
	{"|", kindPipe}, {"&", kindExpref}, {"!", kindNot}, {"<", kindLess}, {">", kindGreater},
}

// token is one word of an expression.
type token struct {
	kind  kind
	value any // the text, or the value of a number or a literal; errors show it
	pos   int // in bytes
}

// scan splits text into its tokens, of which the last is the end.
func scan(text string) ([]token, error) {
	l := lexer{text: text}
	for l.pos < len(text) {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	return append(l.tokens, token{kindEOF, "", len(text)}), nil
}

type lexer struct {
	text   string
	pos    int
	tokens []token
}

// next reads one token or one blank.
func (l *lexer) next() error {
	switch c := l.text[l.pos]; {
	case strings.IndexByte(" \t\n\r", c) >= 0:
		l.pos++
		return nil
	case isLetter(c):
		l.add(kindUnquoted, l.span(func(c byte) bool { return isLetter(c) || isDigit(c) }))
		return nil
	case isDigit(c) || c == '-':
		return l.number()
	case c == '\'':
		return l.rawString()
	case c == '`':
		return l.literal()
	case c == '"':
		return l.quoted()
	}
	return l.operator()
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// span is the first character at hand, whatever it is, and all behind it that pass.
func (l *lexer) span(pass func(byte) bool) string {
	end := l.pos + 1
	for end < len(l.text) && pass(l.text[end]) {
		end++
	}
	return l.text[l.pos:end]
}

// add appends the token at hand, which is as long as text.
func (l *lexer) add(k kind, text string) {
	l.tokens = append(l.tokens, token{k, text, l.pos})
	l.pos += len(text)
}

func (l *lexer) number() error {
	text := l.span(isDigit)
	n, ok := document.ParseInt(text)
	if !ok {
		return l.fault(l.pos, "Unknown token '-'")
	}
	if digits := len(strings.TrimPrefix(text, "-")); digits > maxDigits {
		return faultf("Exceeds the limit (%d digits) for integer string conversion: value has %d digits; "+
			"use sys.set_int_max_str_digits() to increase the limit", maxDigits, digits)
	}
	l.tokens = append(l.tokens, token{kindNumber, n, l.pos})
	l.pos += len(text)
	return nil
}

func (l *lexer) operator() error {
	rest := l.text[l.pos:]
	for _, o := range operators {
		if strings.HasPrefix(rest, o.text) {
			l.add(o.kind, o.text)
			return nil
		}
	}
	if rest[0] == '=' {
		return l.fault(l.pos, "Unknown token '='")
	}
	_, size := utf8.DecodeRuneInString(rest)
	return l.fault(l.pos, "Unknown token "+rest[:size])
}

func (l *lexer) fault(pos int, problem string) error {
	return faultf("Bad jmespath expression: %s:\n%s\n%s^", problem, l.text, strings.Repeat(" ", column(l.text, pos)))
}

// column is pos counted in characters.
func column(text string, pos int) int { return utf8.RuneCountInString(text[:pos]) }
