package yaml

import (
	"fmt"
	"math"
	"strings"

	"apron/cli/document"
)

const (
	lineWidth    = 80  // text is folded at the first space behind this column
	simpleKeyMax = 128 // bytes; a longer key stands behind a "?"
)

// scalarPlace says how a scalar may spread over lines.
type scalarPlace struct {
	indent int  // of the lines behind the first
	fold   bool // false in a key, which stays on its line
}

func (e *emitter) scalar(v any, place scalarPlace) {
	switch v := v.(type) {
	case nil:
		e.put("null")
	case float64:
		e.put(formatFloat(v))
	case string:
		e.text(v, place)
	case document.Foreign:
		e.put(v.Text)
	default:
		e.put(document.JSON(v, 0, false))
	}
}

func formatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	return document.FormatFloat(f)
}

func (e *emitter) text(s string, place scalarPlace) {
	switch look := lookAt(s); {
	case look.plain && resolve(s) == tagString:
		e.plain(s, place)
	case look.single && (place.fold || !look.multiline):
		e.single(s, place)
	default:
		e.double(s, place)
	}
}

func isSimpleKey(key string) bool {
	return len(key) <= simpleKeyMax && !lookAt(key).multiline
}

func (e *emitter) plain(s string, place scalarPlace) {
	t := text{runes: []rune(s)}
	for ; t.at < len(t.runes); t.at++ {
		if t.folds(e.column, place) && t.next() != ' ' {
			e.newline(place.indent)
			continue
		}
		e.rune(t.rune())
	}
	e.spaced = false
}

// single writes within apostrophes. A line break in the text is an empty line.
func (e *emitter) single(s string, place scalarPlace) {
	e.put("'")
	t := text{runes: []rune(s)}
	broken := false
	for ; t.at < len(t.runes); t.at++ {
		switch r := t.rune(); {
		case isBreak(r):
			if !broken && r == '\n' {
				e.newline(0)
			}
			e.out.WriteRune(r)
			e.column = 0
			broken = true
			continue
		case broken:
			e.pad(place.indent)
			fallthrough
		default:
			e.quoted(&t, place)
		}
		broken = false
	}
	if broken {
		e.pad(place.indent)
	}
	e.put("'")
}

func (e *emitter) quoted(t *text, place scalarPlace) {
	switch r := t.rune(); {
	case r == '\'':
		e.put("''")
	case t.folds(e.column, place) && t.inside() && t.next() != ' ':
		e.newline(place.indent)
	default:
		e.rune(r)
	}
}

// double writes within double quotes, the only style that can hold everything.
func (e *emitter) double(s string, place scalarPlace) {
	e.put(`"`)
	t := text{runes: []rune(s)}
	for ; t.at < len(t.runes); t.at++ {
		r := t.rune()
		if t.folds(e.column, place) && t.inside() {
			e.newline(place.indent)
			if t.next() == ' ' {
				e.rune('\\')
			}
			continue
		}
		if isPrintable(r) && !isBreak(r) && r != '"' && r != '\\' {
			e.rune(r)
			continue
		}
		e.put(escape(r))
	}
	e.put(`"`)
}

// text is a string that is being written.
type text struct {
	runes []rune
	at    int
}

func (t *text) rune() rune { return t.runes[t.at] }

// next is the rune behind the current one, or 0.
func (t *text) next() rune {
	if t.at+1 < len(t.runes) {
		return t.runes[t.at+1]
	}
	return 0
}

// inside reports whether the current rune is neither the first nor the last.
func (t *text) inside() bool { return t.at > 0 && t.at < len(t.runes)-1 }

// folds reports whether the line may be broken here: at the first of some spaces, far enough to the right.
func (t *text) folds(column int, place scalarPlace) bool {
	return place.fold && column > lineWidth && t.rune() == ' ' && (t.at == 0 || t.runes[t.at-1] != ' ')
}

var shortEscapes = map[rune]string{
	0: `\0`, 7: `\a`, '\b': `\b`, '\t': `\t`, '\n': `\n`, '\v': `\v`, '\f': `\f`, '\r': `\r`, 0x1b: `\e`, '"': `\"`, '\\': `\\`,
	0x85: `\N`, 0xa0: `\_`, 0x2028: `\L`, 0x2029: `\P`,
}

func escape(r rune) string {
	if short, ok := shortEscapes[r]; ok {
		return short
	}
	switch {
	case r <= 0xff:
		return fmt.Sprintf(`\x%02X`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04X`, r)
	}
	return fmt.Sprintf(`\U%08X`, r)
}

// isPrintable is libyaml's notion, which has neither tabs nor anything beyond the basic plane, so emoji are escaped.
func isPrintable(r rune) bool {
	switch {
	case r == '\n', r >= 0x20 && r <= 0x7e:
		return true
	case r == 0xfeff || r == 0xfffe || r == 0xffff:
		return false
	}
	return r >= 0xa0 && r <= 0xffff
}

func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029
}

// look is which styles can hold a text.
type look struct {
	multiline bool
	plain     bool
	single    bool
}

func lookAt(s string) look {
	if s == "" {
		return look{plain: true, single: true}
	}
	text := []rune(s)
	l := look{plain: !hasIndicator(text) && !hasOuterSpace(text), single: true}
	before := rune(0)
	for _, r := range text {
		switch {
		case !isPrintable(r) || isBreak(r) && before == ' ':
			l.plain, l.single = false, false
		case r == ' ' && isBreak(before):
			l.plain, l.single = false, false
		}
		if isBreak(r) {
			l.plain, l.multiline = false, true
		}
		before = r
	}
	return l
}

func hasOuterSpace(text []rune) bool {
	first, last := text[0], text[len(text)-1]
	return first == ' ' || last == ' ' || isBreak(first) || isBreak(last)
}

// hasIndicator reports whether a plain text would read as something else.
func hasIndicator(text []rune) bool {
	if start := string(text[:min(3, len(text))]); start == "---" || start == "..." || strings.ContainsRune("#,[]{}&*!|>'\"%@`", text[0]) {
		return true
	}
	for i, r := range text {
		blankBehind := i+1 == len(text) || isBlank(text[i+1])
		switch {
		case i == 0 && (r == '?' || r == '-') && blankBehind, r == ':' && blankBehind, r == '#' && isBlank(text[i-1]):
			return true
		}
	}
	return false
}

func isBlank(r rune) bool {
	return r == ' ' || r == '\t' || r == 0 || isBreak(r)
}
