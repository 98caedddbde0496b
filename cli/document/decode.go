package document

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
)

// SyntaxError is a text that is no JSON, in the words of Python's json module.
type SyntaxError struct {
	Problem string // such as "Expecting value"
	Line    int    // from 1
	Column  int    // from 1, in characters
	Offset  int    // from 0, in characters
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: line %d column %d (char %d)", e.Problem, e.Line, e.Column, e.Offset)
}

// maxDepth is about where Python's json gives up within the AWS CLI: 1,000 calls less those that led there.
const maxDepth = 970

// DepthError is a text whose lists and objects stand deeper in one another than Python reads.
type DepthError struct {
	Kind string // of the value that was one too many: array or object
}

func (e *DepthError) Error() string {
	return "maximum recursion depth exceeded while decoding a JSON " + e.Kind + " from a unicode string"
}

// Parse reads one JSON value as Python's json.loads does: NaN and the infinities are numbers, the last of two members
// of one name wins, and text that is left over is an error. Every error is a *SyntaxError, or a *DepthError for values
// that stand too deep in one another.
func Parse(text string) (any, error) {
	return (&decoder{text: Characters(text)}).document()
}

// ParseOrdered is Parse for where the AWS CLI reads objects as Python's OrderedDict: Repr and Type say so.
func ParseOrdered(text string) (any, error) {
	return (&decoder{text: Characters(text), ordered: true}).document()
}

// decoder works on characters, because that is what the places in errors count.
type decoder struct {
	text    []rune
	pos     int
	depth   int
	ordered bool
}

func (d *decoder) document() (any, error) {
	if d.peek() == '\ufeff' {
		return nil, d.fault("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0)
	}
	d.space()
	v, err := d.value()
	if err != nil {
		return nil, err
	}
	d.space()
	if d.pos < len(d.text) {
		return nil, d.fault("Extra data", d.pos)
	}
	return v, nil
}

func (d *decoder) fault(problem string, at int) *SyntaxError {
	e := &SyntaxError{Problem: problem, Line: 1, Offset: at}
	lineStart := 0
	for i, r := range d.text[:min(at, len(d.text))] {
		if r == '\n' {
			e.Line++
			lineStart = i + 1
		}
	}
	e.Column = at - lineStart + 1
	return e
}

// peek is the next character, or -1 at the end.
func (d *decoder) peek() rune {
	if d.pos < len(d.text) {
		return d.text[d.pos]
	}
	return -1
}

func (d *decoder) space() {
	for strings.ContainsRune(" \t\n\r", d.peek()) {
		d.pos++
	}
}

func (d *decoder) value() (any, error) {
	switch r := d.peek(); {
	case r == '"':
		return d.str()
	case r == '{':
		return d.nested("object", d.object)
	case r == '[':
		return d.nested("array", d.list)
	case r == '-' || r >= '0' && r <= '9':
		return d.number()
	}
	return d.word()
}

// nested reads what holds other values.
func (d *decoder) nested(kind string, read func() (any, error)) (any, error) {
	if d.depth == maxDepth {
		return nil, &DepthError{kind}
	}
	d.depth++
	defer func() { d.depth-- }()
	return read()
}

var words = []struct {
	text  string
	value any
}{
	{"null", nil}, {"true", true}, {"false", false},
	{"NaN", math.NaN()}, {"Infinity", math.Inf(1)}, {"-Infinity", math.Inf(-1)},
}

func (d *decoder) word() (any, error) {
	for _, w := range words {
		if d.follows(w.text) {
			d.pos += len(w.text)
			return w.value, nil
		}
	}
	return nil, d.fault("Expecting value", d.pos)
}

func (d *decoder) follows(word string) bool {
	end := d.pos + len(word)
	return end <= len(d.text) && string(d.text[d.pos:end]) == word
}

func (d *decoder) number() (any, error) {
	start := d.pos
	if d.peek() == '-' {
		d.pos++
	}
	if d.peek() == '0' {
		d.pos++
	} else if d.digits() == 0 {
		d.pos = start
		return d.word()
	}
	whole := d.pos
	d.fraction()
	d.exponent()
	text := string(d.text[start:d.pos])
	if d.pos == whole {
		n, _ := ParseInt(text)
		return n, nil
	}
	f, _ := strconv.ParseFloat(text, 64) // beyond the range it is an infinity, as in Python
	return f, nil
}

func (d *decoder) digits() int {
	start := d.pos
	for r := d.peek(); r >= '0' && r <= '9'; r = d.peek() {
		d.pos++
	}
	return d.pos - start
}

// fraction and exponent leave what is not complete to be found as left over.
func (d *decoder) fraction() {
	start := d.pos
	if d.peek() != '.' {
		return
	}
	d.pos++
	if d.digits() == 0 {
		d.pos = start
	}
}

func (d *decoder) exponent() {
	start := d.pos
	if r := d.peek(); r != 'e' && r != 'E' {
		return
	}
	d.pos++
	if r := d.peek(); r == '+' || r == '-' {
		d.pos++
	}
	if d.digits() == 0 {
		d.pos = start
	}
}

func (d *decoder) list() (any, error) {
	list := []any{}
	d.pos++
	d.space()
	if d.peek() == ']' {
		d.pos++
		return list, nil
	}
	for {
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		d.space()
		switch d.peek() {
		case ']':
			d.pos++
			return list, nil
		case ',':
			d.pos++
			d.space()
		default:
			return nil, d.fault("Expecting ',' delimiter", d.pos)
		}
	}
}

func (d *decoder) object() (any, error) {
	m := &Map{ordered: d.ordered}
	d.pos++
	d.space()
	if d.peek() == '}' {
		d.pos++
		return m, nil
	}
	for {
		if err := d.member(m); err != nil {
			return nil, err
		}
		d.space()
		switch d.peek() {
		case '}':
			d.pos++
			return m, nil
		case ',':
			d.pos++
			d.space()
		default:
			return nil, d.fault("Expecting ',' delimiter", d.pos)
		}
	}
}

func (d *decoder) member(m *Map) error {
	if d.peek() != '"' {
		return d.fault("Expecting property name enclosed in double quotes", d.pos)
	}
	key, err := d.str()
	if err != nil {
		return err
	}
	d.space()
	if d.peek() != ':' {
		return d.fault("Expecting ':' delimiter", d.pos)
	}
	d.pos++
	d.space()
	v, err := d.value()
	if err != nil {
		return err
	}
	m.Set(key, v)
	return nil
}

func (d *decoder) str() (string, error) {
	start := d.pos
	d.pos++
	var b strings.Builder
	for {
		switch r := d.peek(); {
		case r == -1:
			return "", d.fault("Unterminated string starting at", start)
		case r == '"':
			d.pos++
			return b.String(), nil
		case r == '\\':
			r, err := d.escape(start)
			if err != nil {
				return "", err
			}
			writeCharacter(&b, r)
		case r < 0x20:
			return "", d.fault("Invalid control character at", d.pos)
		default:
			writeCharacter(&b, r)
			d.pos++
		}
	}
}

var escapes = map[rune]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (d *decoder) escape(start int) (rune, error) {
	d.pos++
	r := d.peek()
	if r == -1 {
		return 0, d.fault("Unterminated string starting at", start)
	}
	if r == 'u' {
		return d.unicodeEscape()
	}
	plain, ok := escapes[r]
	if !ok {
		return 0, d.fault("Invalid \\escape", d.pos-1)
	}
	d.pos++
	return plain, nil
}

// unicodeEscape joins two escapes that are a surrogate pair; half of one stays what it is.
func (d *decoder) unicodeEscape() (rune, error) {
	high, ok := d.hex(d.pos + 1)
	if !ok {
		return 0, d.fault("Invalid \\uXXXX escape", d.pos)
	}
	d.pos += 5
	if !utf16.IsSurrogate(high) || !d.follows(`\u`) {
		return high, nil
	}
	if low, ok := d.hex(d.pos + 2); ok {
		if r := utf16.DecodeRune(high, low); r != 0xfffd {
			d.pos += 6
			return r, nil
		}
	}
	return high, nil
}

func (d *decoder) hex(at int) (rune, bool) {
	if at+4 > len(d.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(d.text[at:at+4]), 16, 16)
	return rune(n), err == nil
}
