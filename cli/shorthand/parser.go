// Package shorthand reads the short form in which the AWS CLI takes nested values, such as Key=a,Value=b or
// Repository={Url=x,Ports=[1,2]}, fits what it read to a shape of the model, and says how a shape is written in it. The
// syntax, its corners and the texts of errors are those of the AWS CLI. It is called for option values alone and knows
// nothing of the options.
package shorthand

import (
	"errors"
	"strings"

	"apron/cli/document"
)

// Parser reads shorthand. Its zero value is ready.
type Parser struct {
	// Load resolves the values of keys that are written key@=value: it returns what a value like file://path stands
	// for, and whether it stands for anything but itself. Without Load every value is itself.
	Load func(value string) (any, bool, error)
}

// Parse reads a text into a map of strings, lists and maps. The error is a *SyntaxError, a *DuplicateKeyError or one of
// Load.
func (p Parser) Parse(text string) (*document.Map, error) {
	r := &reader{text: []rune(text), load: p.Load}
	m := &document.Map{}
	last := 0
	for first := true; first || r.pos < len(r.text); first = false {
		if !first {
			if err := r.expectAmidSpace(','); err != nil {
				return nil, err
			}
		}
		key, v, err := r.member(r.values)
		if err != nil {
			return nil, err
		}
		if _, ok := m.Get(key); ok {
			return nil, &DuplicateKeyError{Key: key, place: place{r.text, last + 1}}
		}
		m.Set(key, v)
		last = r.pos
	}
	return m, nil
}

// errDeep is what Python's own limit says; without one a text could take all memory there is.
var errDeep = errors.New("maximum recursion depth exceeded")

// maxDepth is near to where Python ends too.
const maxDepth = 300

// reader works on characters, because that is what the places in errors count.
type reader struct {
	text      []rune
	pos       int
	depth     int
	load      func(string) (any, bool, error)
	resolving bool // the key was written with @=
}

// member reads key=value, or key@=value, of which the value is for the given function.
func (r *reader) member(value func() (any, error)) (string, any, error) {
	key := r.key()
	outer := r.resolving
	defer func() { r.resolving = outer }()
	r.space()
	if r.resolving = r.peek() == '@'; r.resolving {
		r.pos++
	}
	if err := r.expectAmidSpace('='); err != nil {
		return "", nil, err
	}
	v, err := value()
	return key, v, err
}

func (r *reader) key() string {
	start := r.pos
	for isKey(r.peek()) {
		r.pos++
	}
	return string(r.text[start:r.pos])
}

// values reads what follows an = outside all brackets, where commas make lists.
func (r *reader) values() (any, error) {
	switch r.peek() {
	case end:
		return "", nil
	case '[', '{':
		return r.value()
	}
	return r.commaList()
}

// value reads what may stand inside of brackets.
func (r *reader) value() (any, error) {
	if r.depth++; r.depth > maxDepth {
		return nil, errDeep
	}
	defer func() { r.depth-- }()
	switch r.peek() {
	case '[':
		return r.list()
	case '{':
		return r.object()
	}
	return r.resolve(r.firstWord())
}

func (r *reader) list() (any, error) {
	list := []any{}
	err := r.bracketed('[', ']', func() error {
		v, err := r.value()
		list = append(list, v)
		return err
	})
	return list, err
}

func (r *reader) object() (any, error) {
	m := &document.Map{}
	err := r.bracketed('{', '}', func() error {
		key, v, err := r.member(r.value)
		m.Set(key, v)
		return err
	})
	return m, err
}

// bracketed reads elements with commas between, of which the last may have one behind it too.
func (r *reader) bracketed(open, close rune, element func() error) error {
	if err := r.expectAmidSpace(open); err != nil {
		return err
	}
	for r.peek() != close {
		if err := element(); err != nil {
			return err
		}
		r.space()
		if r.peek() == close {
			break
		}
		if err := r.expect(','); err != nil {
			return err
		}
		r.space()
	}
	r.pos++
	return nil
}

// commaList reads a word, or several with commas between. A word that turns out to be the next key is not of the list.
func (r *reader) commaList() (any, error) {
	first, err := r.resolve(r.firstWord())
	if err != nil {
		return nil, err
	}
	list := []any{first}
	r.space()
	if r.peek() == end || r.peek() != ',' {
		return first, nil
	}
	if err := r.expectAmidSpace(','); err != nil {
		return nil, err
	}
	for more := true; more; {
		var v any
		if v, more, err = r.further(); err != nil {
			return nil, err
		}
		if v != nil {
			list = append(list, v)
		}
	}
	if len(list) == 1 {
		return first, nil
	}
	return list, nil
}

// further reads a word of a list behind its comma, and says whether another may follow. Where it cannot be one of the
// list there is none, and the reader stands at the comma again.
func (r *reader) further() (v any, more bool, err error) {
	v, err = r.resolve(r.secondWord())
	if err == nil {
		r.space()
		if r.peek() == end {
			return v, false, nil
		}
		err = r.expectAmidSpace(',')
	}
	if err == nil {
		return v, true, nil
	}
	if _, ok := errors.AsType[*SyntaxError](err); !ok || r.peek() == end {
		return nil, false, err
	}
	for r.text[r.pos] != ',' { // there is one: further is called behind it
		r.pos--
	}
	return nil, false, nil
}

// resolve gives the value of a word, which is itself unless its key was written with @=.
func (r *reader) resolve(word string, err error) (any, error) {
	if err != nil || !r.resolving || r.load == nil {
		return word, err
	}
	v, ok, err := r.load(word)
	if err != nil || ok {
		return v, err
	}
	return word, nil
}

// end is what peek gives behind the text; no character is the same.
const end rune = -1

func (r *reader) peek() rune {
	if r.pos < len(r.text) {
		return r.text[r.pos]
	}
	return end
}

func (r *reader) space() {
	for strings.ContainsRune(" \t\n\r\v\f", r.peek()) {
		r.pos++
	}
}

func (r *reader) expect(c rune) error {
	if r.peek() == c {
		r.pos++
		return nil
	}
	received := "EOF"
	if r.peek() != end {
		received = string(r.peek())
	}
	return r.fault(string(c), received)
}

func (r *reader) expectAmidSpace(c rune) error {
	r.space()
	if err := r.expect(c); err != nil {
		return err
	}
	r.space()
	return nil
}

func (r *reader) fault(expected, received string) error {
	return &SyntaxError{Expected: expected, Received: received, place: place{r.text, r.pos}}
}
