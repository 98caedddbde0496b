package document

import (
	"fmt"
	"strings"
	"unicode"
)

// IsSpace reports whether Python takes r for white space in a text.
func IsSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// maxDigits is how long Python lets a whole number's text be.
const maxDigits = 4300

// Int reads a text as Python's int() does: white space around it, a sign, single underscores between digits, and the
// decimal digits of every script. The error has Python's words.
func Int(text string) (any, error) {
	digits, ok := asciiDigits(strings.TrimFunc(text, unicode.IsSpace))
	if !ok {
		return nil, fmt.Errorf("invalid literal for int() with base 10: %.200s", Repr(text))
	}
	if n := len(strings.TrimLeft(digits, "+-")); n > maxDigits {
		//lint:ignore ST1005 the words are those of Python
		return nil, fmt.Errorf("Exceeds the limit (%d digits) for integer string conversion: value has %d digits; use sys.set_int_max_str_digits() to increase the limit", maxDigits, n)
	}
	n, _ := ParseInt(digits)
	return n, nil
}

// asciiDigits takes the underscores out and puts ASCII digits for those of other scripts.
func asciiDigits(text string) (string, bool) {
	var b strings.Builder
	digit := false // whether a digit is what came last
	for i, r := range text {
		switch {
		case i == 0 && (r == '+' || r == '-'):
			b.WriteRune(r)
		case r == '_' && digit:
			digit = false
		case unicode.Is(unicode.Nd, r):
			b.WriteByte(byte('0' + digitValue(r)))
			digit = true
		default:
			return "", false
		}
	}
	return b.String(), digit
}

// digitValue relies on the digits of each script standing together, ten in a row from 0 to 9.
func digitValue(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	return 0
}
