// Package shlex splits command lines into words, and quotes words, as Python's shlex does in its default mode: the rules
// by which the AWS CLI reads pagers and aliases. It expands nothing and knows no operators.
package shlex

import "strings"

// Error is what Split refuses, in Python's words.
type Error string

func (e Error) Error() string { return string(e) }

// All that can be wrong with a line.
const (
	ErrNoClosingQuotation Error = "No closing quotation"
	ErrNoEscapedCharacter Error = "No escaped character"
)

const (
	unquoted rune = 0
	escaped  rune = '\\'
)

// Split returns the words of text. Quotes group, a backslash takes the next character literally outside quotes, and
// within double quotes where that is a backslash or a double quote.
func Split(text string) ([]string, error) {
	s := splitter{}
	for _, r := range text {
		s.take(r)
	}
	switch {
	case s.escaping:
		return nil, ErrNoEscapedCharacter
	case s.quote != unquoted:
		return nil, ErrNoClosingQuotation
	}
	s.end()
	return s.words, nil
}

type splitter struct {
	words    []string
	word     strings.Builder
	begun    bool // a word has begun, be it an empty one in quotes
	quote    rune
	escaping bool
}

func (s *splitter) take(r rune) {
	switch {
	case s.escaping:
		s.escaping = false
		if s.quote == '"' && r != '"' && r != escaped {
			s.add(escaped)
		}
		s.add(r)
	case r == escaped && s.quote != '\'':
		s.escaping, s.begun = true, true
	case s.quote != unquoted:
		if r == s.quote {
			s.quote = unquoted
		} else {
			s.add(r)
		}
	case r == '\'' || r == '"':
		s.quote, s.begun = r, true
	case strings.ContainsRune(" \t\r\n", r):
		s.end()
	default:
		s.add(r)
	}
}

func (s *splitter) add(r rune) {
	s.word.WriteRune(r)
	s.begun = true
}

func (s *splitter) end() {
	if s.begun {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.begun = false
}

const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-"

// Quote returns word so that a POSIX shell, and Split, read it as one.
func Quote(word string) string {
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'"'"'`) + "'"
}
