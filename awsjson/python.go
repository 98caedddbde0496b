package awsjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"
)

// The AWS CLI is written in Python, and some of what it prints is Python's way to show a value.

// readValue reads one JSON value, with its numbers as they are written.
func readValue(text []byte) (any, error) {
	if !json.Valid(text) {
		return nil, fmt.Errorf("not JSON: %.100q", text)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	err := d.Decode(&value)
	return value, err
}

// typeName is the Python type of a JSON value.
func typeName(value any) string {
	switch value := value.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case string:
		return "str"
	case []any:
		return "list"
	case json.Number:
		if isFloat(value) {
			return "float"
		}
		return "int"
	}
	return "dict"
}

func isFloat(n json.Number) bool { return strings.ContainsAny(n.String(), ".eE") }

// pythonText is str() of a JSON value.
func pythonText(raw json.RawMessage) string {
	value, err := readValue(raw)
	if err != nil {
		return string(raw)
	}
	if text, ok := value.(string); ok {
		return text
	}
	var b strings.Builder
	writeRepr(&b, value)
	return b.String()
}

// writeRepr writes repr() of a value. The members of an object come in the order of their names.
func writeRepr(b *strings.Builder, value any) {
	switch value := value.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		b.WriteString(map[bool]string{true: "True", false: "False"}[value])
	case string:
		b.WriteString(quoted(value))
	case json.Number:
		b.WriteString(number(value))
	case []any:
		writeEach(b, "[", value, "]", func(item any) { writeRepr(b, item) })
	case map[string]any:
		var names []string
		for name := range value {
			names = append(names, name)
		}
		slices.Sort(names)
		writeEach(b, "{", names, "}", func(name string) {
			b.WriteString(quoted(name) + ": ")
			writeRepr(b, value[name])
		})
	}
}

func writeEach[T any](b *strings.Builder, open string, items []T, end string, write func(T)) {
	b.WriteString(open)
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		write(item)
	}
	b.WriteString(end)
}

// quoted is a string between single quotes, or double ones if there are single ones in it and no double ones.
func quoted(s string) string {
	quote := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = `"`
	}
	var b strings.Builder
	for _, r := range s {
		b.WriteString(escapedRune(r, quote))
	}
	return quote + b.String() + quote
}

func escapedRune(r rune, quote string) string {
	switch {
	case string(r) == quote || r == '\\':
		return `\` + string(r)
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case strconv.IsPrint(r):
		return string(r)
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// number is the shortest text of a float, with an exponent only where it is far from zero.
func number(n json.Number) string {
	if !isFloat(n) {
		return n.String()
	}
	f, err := n.Float64()
	if err != nil {
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(f, 'g', -1, 64)), "+") // it is too large: inf
	}
	text := strconv.FormatFloat(f, 'e', -1, 64)
	exponent, err := strconv.Atoi(text[strings.IndexByte(text, 'e')+1:])
	if err != nil || exponent < -4 || exponent >= 16 {
		return text
	}
	if text = strconv.FormatFloat(f, 'f', -1, 64); !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// pythonErrno is an OSError. Python asks the C library for the words.
func pythonErrno(errno syscall.Errno) string {
	text := errno.Error()
	return fmt.Sprintf("[Errno %d] %s", int(errno), strings.ToUpper(text[:1])+text[1:])
}

// checkUTF8 says in Python's words where bytes stop to be UTF-8.
func checkUTF8(text []byte) error {
	if utf8.Valid(text) {
		return nil
	}
	at := 0
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	length, reason := brokenRune(text[at:])
	if length > 1 {
		return &ParseError{fmt.Sprintf("'utf-8' codec can't decode bytes in position %d-%d: %s", at, at+length-1, reason)}
	}
	return &ParseError{fmt.Sprintf("'utf-8' codec can't decode byte 0x%02x in position %d: %s", text[at], at, reason)}
}

// brokenRune is how many bytes could have begun a character, and what is wrong with them.
func brokenRune(text []byte) (int, string) {
	if text[0] < 0xc2 || text[0] > 0xf4 {
		return 1, "invalid start byte"
	}
	for length := 1; ; length++ {
		if length == len(text) {
			return length, "unexpected end of data"
		}
		if !mayContinue(text[:length+1]) {
			return length, "invalid continuation byte"
		}
	}
}

// mayContinue reports whether some character begins with text.
func mayContinue(text []byte) bool {
	last := text[len(text)-1]
	if last < 0x80 || last > 0xbf {
		return false
	}
	second := text[1]
	switch text[0] {
	case 0xe0:
		return second >= 0xa0
	case 0xed:
		return second < 0xa0
	case 0xf0:
		return second >= 0x90
	case 0xf4:
		return second < 0x90
	}
	return true
}
