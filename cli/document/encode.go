package document

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// JSON writes v as Python's json.dumps does: with indent spaces a level where indent is above 0, else on one line with
// a space behind each comma and colon. Characters beyond ASCII are written as themselves unless ascii is set, in which
// case they become \u escapes.
func JSON(v any, indent int, ascii bool) string {
	e := encoder{indent: indent, ascii: ascii}
	e.value(v, 0)
	return e.String()
}

type encoder struct {
	strings.Builder
	indent int
	ascii  bool
}

func (e *encoder) value(v any, depth int) {
	switch v := v.(type) {
	case nil:
		e.WriteString("null")
	case bool:
		e.WriteString(strconv.FormatBool(v))
	case int64:
		e.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		e.WriteString(v.String())
	case float64:
		e.float(v)
	case string:
		e.text(v)
	case []any:
		e.list(v, depth)
	case *Map:
		e.object(v, depth)
	case Foreign:
		e.text(cmp.Or(v.JSON, v.Text))
	default:
		panic(fmt.Sprintf("document: %T is no value", v))
	}
}

func (e *encoder) float(f float64) {
	switch {
	case math.IsNaN(f):
		e.WriteString("NaN")
	case math.IsInf(f, 1):
		e.WriteString("Infinity")
	case math.IsInf(f, -1):
		e.WriteString("-Infinity")
	default:
		e.WriteString(FormatFloat(f))
	}
}

func (e *encoder) list(list []any, depth int) {
	if len(list) == 0 {
		e.WriteString("[]")
		return
	}
	e.WriteByte('[')
	for i, v := range list {
		e.separate(i, depth+1)
		e.value(v, depth+1)
	}
	e.end(']', depth)
}

func (e *encoder) object(m *Map, depth int) {
	if m.Len() == 0 {
		e.WriteString("{}")
		return
	}
	e.WriteByte('{')
	i := 0
	for k, v := range m.All() {
		e.separate(i, depth+1)
		e.text(k)
		e.WriteString(": ")
		e.value(v, depth+1)
		i++
	}
	e.end('}', depth)
}

func (e *encoder) separate(i, depth int) {
	if i > 0 {
		e.WriteByte(',')
	}
	switch {
	case e.indent > 0:
		e.newline(depth)
	case i > 0:
		e.WriteByte(' ')
	}
}

func (e *encoder) end(bracket byte, depth int) {
	if e.indent > 0 {
		e.newline(depth)
	}
	e.WriteByte(bracket)
}

func (e *encoder) newline(depth int) {
	e.WriteByte('\n')
	e.WriteString(strings.Repeat(" ", e.indent*depth))
}

var shortEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

func (e *encoder) text(s string) {
	e.WriteByte('"')
	for _, r := range Characters(s) {
		if short, ok := shortEscapes[r]; ok {
			e.WriteString(short)
			continue
		}
		switch {
		case r < 0x20 || e.ascii && r > 0x7e && r < 0x10000:
			fmt.Fprintf(e, `\u%04x`, r)
		case e.ascii && r >= 0x10000:
			fmt.Fprintf(e, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			writeCharacter(&e.Builder, r)
		}
	}
	e.WriteByte('"')
}
