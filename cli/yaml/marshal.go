// Package yaml writes and reads YAML exactly as the AWS CLI does, which is as ruamel.yaml with libyaml's emitter writes
// it and as ruamel.yaml's own parser reads it: the values of package document in block style with sorted keys, and the
// text of --cli-input-yaml. The command line's output and input call it; it knows nothing of AWS or of options.
package yaml

import (
	"slices"
	"strings"

	"apron/cli/document"
)

// Marshal writes v as one document that ends in a line break. A list or object that is in v more than once is written
// once, with an anchor, and referred to after that. A scalar on its own is JSON, for YAML would need a line of "..."
// behind it.
func Marshal(v any) string {
	switch v.(type) {
	case []any, *document.Map:
	default:
		return document.JSON(v, 0, false) + "\n"
	}
	e := emitter{shared: findShared(v), spaced: true}
	e.value(v, position{indent: -step, inline: true})
	e.out.WriteByte('\n')
	return e.out.String()
}

// step is what each level is indented by.
const step = 2

// position says where a value begins.
type position struct {
	indent int  // of the block that holds the value
	inline bool // a block may begin on this line: behind a dash, a colon below a "?", or at the very beginning
	member bool // the value is a member of an object
}

// block returns where the lines of a collection that begins at p are indented to. A list below a key is not indented.
func (p position) block(list bool) int {
	if list && p.member && !p.inline {
		return p.indent
	}
	return p.indent + step
}

// emitter lays the document out; scalar.go has how single values look.
type emitter struct {
	out    strings.Builder
	column int  // in characters
	spaced bool // the next word needs no space before it
	shared map[identity]*anchor
}

func (e *emitter) value(v any, at position) {
	switch v := v.(type) {
	case []any:
		e.list(v, at)
	case *document.Map:
		e.object(v, at)
	default:
		e.gap()
		e.scalar(v, scalarPlace{indent: at.indent + step, fold: true})
	}
}

func (e *emitter) list(list []any, at position) {
	if e.refer(list, &at) {
		return
	}
	if len(list) == 0 {
		e.word("[]")
		return
	}
	indent := at.block(true)
	for i, v := range list {
		e.item(i == 0 && at.inline, indent)
		e.put("-")
		e.value(v, position{indent: indent, inline: true})
	}
}

func (e *emitter) object(m *document.Map, at position) {
	if e.refer(m, &at) {
		return
	}
	if m.Len() == 0 {
		e.word("{}")
		return
	}
	indent := at.block(false)
	for i, k := range slices.Sorted(slices.Values(m.Keys())) {
		v, _ := m.Get(k)
		e.item(i == 0 && at.inline, indent)
		e.member(k, v, indent)
	}
}

// member writes a key and its value. A key that is long or of several lines stands behind a "?" on its own.
func (e *emitter) member(key string, v any, indent int) {
	if isSimpleKey(key) {
		e.scalar(key, scalarPlace{})
		e.put(":")
		e.value(v, position{indent: indent, member: true})
		return
	}
	e.put("?")
	e.gap()
	e.scalar(key, scalarPlace{indent: indent + step, fold: true})
	e.newline(indent)
	e.put(":")
	e.value(v, position{indent: indent, inline: true, member: true})
}

// refer writes the anchor or the alias of what is in the document more than once, and reports whether that was all.
func (e *emitter) refer(v any, at *position) bool {
	a := e.shared[identify(v)]
	if a == nil {
		return false
	}
	if a.written {
		e.word("*" + a.name)
		return true
	}
	a.written = true
	e.word("&" + a.name)
	at.inline = false
	return false
}

// item begins an entry of a collection: on the line that is begun where inline is set, else on its own.
func (e *emitter) item(inline bool, indent int) {
	if inline {
		e.pad(indent)
		return
	}
	e.newline(indent)
}

func (e *emitter) newline(indent int) {
	e.out.WriteByte('\n')
	e.column = 0
	e.pad(indent)
}

func (e *emitter) pad(column int) {
	for e.column < column {
		e.rune(' ')
	}
	e.spaced = true
}

func (e *emitter) word(s string) {
	e.gap()
	e.put(s)
}

func (e *emitter) gap() {
	if !e.spaced {
		e.rune(' ')
		e.spaced = true
	}
}

func (e *emitter) put(s string) {
	for _, r := range s {
		e.rune(r)
	}
	e.spaced = false
}

func (e *emitter) rune(r rune) {
	e.out.WriteRune(r)
	e.column++
}
