package document

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// Repr writes v as Python's repr() does, which is how values look in the AWS CLI's errors.
func Repr(v any) string {
	var b strings.Builder
	writeRepr(&b, v)
	return b.String()
}

// Str writes v as Python's str() does: a string is itself, anything else its Repr.
func Str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case Foreign:
		return v.Text
	}
	return Repr(v)
}

// Type is the name of v's type in Python, as in <class 'str'>.
func Type(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case Bytes:
		return "bytes"
	case []any:
		return "list"
	case *Map:
		if v.ordered {
			return "collections.OrderedDict"
		}
		return "dict"
	case Foreign:
		return v.Class
	}
	panic(fmt.Sprintf("document: %T is no value", v))
}

func writeRepr(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if v {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		b.WriteString(v.String())
	case float64:
		b.WriteString(FormatFloat(v))
	case string:
		writeReprString(b, v)
	case Bytes:
		writeReprBytes(b, v)
	case []any:
		writeReprList(b, v)
	case *Map:
		writeReprMap(b, v)
	case Foreign:
		b.WriteString(v.Repr)
	default:
		panic(fmt.Sprintf("document: %T is no value", v))
	}
}

func writeReprList(b *strings.Builder, list []any) {
	b.WriteByte('[')
	for i, v := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		writeRepr(b, v)
	}
	b.WriteByte(']')
}

func writeReprMap(b *strings.Builder, m *Map) {
	if m.ordered {
		writeReprOrdered(b, m)
		return
	}
	b.WriteByte('{')
	first := true
	for k, v := range m.All() {
		if !first {
			b.WriteString(", ")
		}
		first = false
		writeRepr(b, m.Key(k))
		b.WriteString(": ")
		writeRepr(b, v)
	}
	b.WriteByte('}')
}

// writeReprOrdered writes the calls that make a Python OrderedDict.
func writeReprOrdered(b *strings.Builder, m *Map) {
	if m.Len() == 0 {
		b.WriteString("OrderedDict()")
		return
	}
	b.WriteString("OrderedDict([")
	separator := ""
	for k, v := range m.All() {
		b.WriteString(separator + "(")
		separator = ", "
		writeReprString(b, k)
		b.WriteString(", ")
		writeRepr(b, v)
		b.WriteByte(')')
	}
	b.WriteString("])")
}

// writeReprString quotes with apostrophes unless the text has some and no double quotes.
func writeReprString(b *strings.Builder, s string) {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b.WriteRune(quote)
	for _, r := range Characters(s) {
		writeReprRune(b, r, quote)
	}
	b.WriteRune(quote)
}

func writeReprRune(b *strings.Builder, r, quote rune) {
	switch {
	case r == quote || r == '\\':
		b.WriteByte('\\')
		b.WriteRune(r)
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case r == ' ' || unicode.IsPrint(r):
		b.WriteRune(r)
	case r < 0x100:
		fmt.Fprintf(b, `\x%02x`, r)
	case r < 0x10000:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}

// writeReprBytes is writeReprString with every byte a character of its own, of which only ASCII is printed.
func writeReprBytes(b *strings.Builder, bytes Bytes) {
	quote := '\''
	if strings.Contains(string(bytes), "'") && !strings.Contains(string(bytes), `"`) {
		quote = '"'
	}
	b.WriteByte('b')
	b.WriteRune(quote)
	for _, c := range bytes {
		if c < 0x80 {
			writeReprRune(b, rune(c), quote)
		} else {
			fmt.Fprintf(b, `\x%02x`, c)
		}
	}
	b.WriteRune(quote)
}
