package param

import (
	"fmt"
	"unicode/utf8"
)

// checkUTF8 says of text that is none what Python does.
func checkUTF8(text []byte) error {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return undecodable(text, i)
		}
		i += size
	}
	return nil
}

func undecodable(text []byte, at int) error {
	want := 0 // bytes behind the first
	switch c := text[at]; {
	case c >= 0xc2 && c <= 0xdf:
		want = 1
	case c >= 0xe0 && c <= 0xef:
		want = 2
	case c >= 0xf0 && c <= 0xf4:
		want = 3
	default:
		return fmt.Errorf("'utf-8' codec can't decode byte 0x%02x in position %d: invalid start byte", c, at)
	}
	valid := 1
	for valid <= want && at+valid < len(text) && continuation(text[at], valid, text[at+valid]) {
		valid++
	}
	reason := "invalid continuation byte"
	if at+valid == len(text) {
		reason = "unexpected end of data"
	}
	if valid > 1 {
		return fmt.Errorf("'utf-8' codec can't decode bytes in position %d-%d: %s", at, at+valid-1, reason)
	}
	return fmt.Errorf("'utf-8' codec can't decode byte 0x%02x in position %d: %s", text[at], at, reason)
}

// continuation reports whether c may be the i-th byte behind first.
func continuation(first byte, i int, c byte) bool {
	low, high := byte(0x80), byte(0xbf)
	if i == 1 {
		switch first {
		case 0xe0:
			low = 0xa0
		case 0xed:
			high = 0x9f
		case 0xf0:
			low = 0x90
		case 0xf4:
			high = 0x8f
		}
	}
	return c >= low && c <= high
}
