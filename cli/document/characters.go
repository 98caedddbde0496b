package document

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Python's texts may hold halves of surrogate pairs, as \ud83d alone is in JSON, for which UTF-8 has no form. In the
// strings of this package's values each is the three bytes that UTF-8's arithmetic makes of it, as in WTF-8: so texts
// still sort by their characters, and none is found inside of another.

// Characters returns the characters of s as Python counts them: a half is one, and so is a byte that is no UTF-8, of
// which Python makes a half.
func Characters(s string) []rune {
	if utf8.ValidString(s) {
		return []rune(s)
	}
	var characters []rune
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			r, size = half(s[i:])
		}
		characters = append(characters, r)
		i += size
	}
	return characters
}

// half reads what begins as no UTF-8 does.
func half(s string) (r rune, size int) {
	if len(s) >= 3 && s[0] == 0xed && s[1]&0xe0 == 0xa0 && s[2]&0xc0 == 0x80 {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return 0xdc00 | rune(s[0]), 1
}

// Text returns the string that has these characters.
func Text(characters ...rune) string {
	var b strings.Builder
	for _, r := range characters {
		writeCharacter(&b, r)
	}
	return b.String()
}

func writeCharacter(b *strings.Builder, r rune) {
	if utf16.IsSurrogate(r) {
		b.Write([]byte{0xe0 | byte(r>>12), 0x80 | byte(r>>6)&0x3f, 0x80 | byte(r)&0x3f})
		return
	}
	b.WriteRune(r)
}

// WellFormed returns v with U+FFFD for each half and each byte that is no UTF-8, for whoever takes UTF-8 alone.
func WellFormed(v any) any {
	switch v := v.(type) {
	case string:
		return wellFormed(v)
	case []any:
		list := slices.Clone(v)
		for i, item := range list {
			list[i] = WellFormed(item)
		}
		return list
	case *Map:
		return v.wellFormed()
	}
	return v
}

func wellFormed(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string(Characters(s)) // Go's own conversion puts U+FFFD
}

// Escaped returns s as Python's stderr shows it: what is no UTF-8 as an escape.
func Escaped(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range Characters(s) {
		if utf16.IsSurrogate(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
