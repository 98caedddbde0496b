package jmespath

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"apron/cli/document"
)

// delimited reads what stands between the delimiter at hand and the next one like it that has no backslash before it,
// and moves behind that one.
func (l *lexer) delimited() (string, error) {
	start, delimiter := l.pos, l.text[l.pos]
	for i := start + 1; i < len(l.text); i++ {
		switch l.text[i] {
		case delimiter:
			l.pos = i + 1
			return l.text[start+1 : i], nil
		case '\\':
			i++
		}
	}
	return "", l.fault(start, fmt.Sprintf("Unclosed %c delimiter", delimiter))
}

// rawString reads '...', in which only \' is an escape.
func (l *lexer) rawString() error {
	start := l.pos
	text, err := l.delimited()
	if err != nil {
		return err
	}
	l.tokens = append(l.tokens, token{kindLiteral, strings.ReplaceAll(text, `\'`, "'"), start})
	return nil
}

// quoted reads "...", an identifier with JSON's escapes.
func (l *lexer) quoted() error {
	start := l.pos
	text, err := l.delimited()
	if err != nil {
		return err
	}
	name, err := document.Parse(`"` + text + `"`)
	if err != nil {
		return l.fault(start, problem(err))
	}
	l.tokens = append(l.tokens, token{kindQuoted, name, start})
	return nil
}

func problem(err error) string {
	if syntax, ok := errors.AsType[*document.SyntaxError](err); ok {
		return syntax.Problem
	}
	return err.Error()
}

// literal reads `...`, which is JSON or, as JMESPath had it in its first years, a string without its quotes.
func (l *lexer) literal() error {
	start := l.pos
	text, err := l.delimited()
	if err != nil {
		return err
	}
	text = strings.ReplaceAll(text, "\\`", "`")
	value, err := document.Parse(text)
	if _, ok := errors.AsType[*document.DepthError](err); ok {
		return err
	}
	if err != nil {
		value, err = document.Parse(`"` + strings.TrimLeftFunc(text, isSpace) + `"`)
	}
	if err != nil {
		return l.fault(start, "Bad token "+text)
	}
	l.tokens = append(l.tokens, token{kindLiteral, value, start})
	return nil
}

// isSpace is Python's str.isspace, which counts four control characters more than Unicode does.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
