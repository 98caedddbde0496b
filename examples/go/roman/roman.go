// Package roman writes numbers as the Romans did.
package roman

import (
	"errors"
	"strings"
)

var signs = []struct {
	value int
	sign  string
}{
	{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"},
	{50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"},
}

// Numeral is a number from 1 to 3999 in Roman numerals. For others there are none.
func Numeral(n int) (string, error) {
	if n < 1 || n > 3999 {
		return "", errors.New("the Romans had no such number; give one from 1 to 3999")
	}
	var b strings.Builder
	for _, s := range signs {
		for n >= s.value {
			b.WriteString(s.sign)
			n -= s.value
		}
	}
	return b.String(), nil
}
