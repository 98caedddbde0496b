package document

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// ParseInt reads a whole number of any size as int64 where it fits and as *big.Int where not. The text is an optional
// sign and decimal digits.
func ParseInt(text string) (any, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, false
	}
	return n, true
}

// FormatFloat writes f as Python's repr does: the shortest text that reads back as f, with a point or an exponent, and
// an exponent below 1e-4 and from 1e16 on.
func FormatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
