package jmespath

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"

	"apron/cli/document"
)

// maxDigits is how long a whole number Python reads.
const maxDigits = 4300

// clamped is a whole number's nearest int64 that can be negated.
func clamped(n any) int64 {
	switch n := n.(type) {
	case int64:
		return max(n, -math.MaxInt64)
	case *big.Int:
		return int64(n.Sign()) * math.MaxInt64
	}
	return 0
}

// shortest is n as documents hold it.
func shortest(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

func integer(n any) *big.Int {
	if n, ok := n.(int64); ok {
		return big.NewInt(n)
	}
	return n.(*big.Int)
}

// float is n as a float, which a whole number can be too large for.
func float(n any) (float64, error) {
	if f, ok := n.(float64); ok {
		return f, nil
	}
	f, _ := new(big.Float).SetInt(integer(n)).Float64()
	if math.IsInf(f, 0) {
		return 0, fault("int too large to convert to float")
	}
	return f, nil
}

func abs(_ *search, a []any) (any, error) {
	if f, ok := a[0].(float64); ok {
		return math.Abs(f), nil
	}
	return shortest(new(big.Int).Abs(integer(a[0]))), nil
}

func ceil(_ *search, a []any) (any, error) { return round(a[0], math.Ceil) }

func floor(_ *search, a []any) (any, error) { return round(a[0], math.Floor) }

// round makes a whole number of any size.
func round(n any, toward func(float64) float64) (any, error) {
	f, ok := n.(float64)
	switch {
	case !ok:
		return n, nil
	case math.IsNaN(f):
		return nil, fault("cannot convert float NaN to integer")
	case math.IsInf(f, 0):
		return nil, fault("cannot convert float infinity to integer")
	}
	i, _ := big.NewFloat(toward(f)).Int(nil)
	return shortest(i), nil
}

// sum stays whole until the first float.
func sum(_ *search, a []any) (any, error) {
	var total any = int64(0)
	for _, n := range a[0].([]any) {
		var err error
		if total, err = add(total, n); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func add(a, b any) (any, error) {
	_, aFloat := a.(float64)
	_, bFloat := b.(float64)
	if !aFloat && !bFloat {
		return shortest(new(big.Int).Add(integer(a), integer(b))), nil
	}
	x, err := float(a)
	if err != nil {
		return nil, err
	}
	y, err := float(b)
	return x + y, err
}

func avg(s *search, a []any) (any, error) {
	count := len(a[0].([]any))
	if count == 0 {
		return nil, nil
	}
	total, err := sum(s, a)
	if err != nil {
		return nil, err
	}
	f, err := float(total)
	return f / float64(count), err
}

// toNumber is null for what is no number.
func toNumber(_ *search, a []any) (any, error) {
	switch v := a[0].(type) {
	case int64, *big.Int, float64:
		return v, nil
	case string:
		return parseNumber(v), nil
	case *expref:
		return nil, fault("int() argument must be a string, a bytes-like object or a real number, not '_Expression'")
	}
	return nil, nil
}

// parseNumber reads what Python's int() or else its float() does: blanks around, underscores between digits, digits of
// any script, nan and infinity.
func parseNumber(s string) any {
	s, ok := digitsOnly(strings.Trim(latin(s), " \t\n\v\f\r"))
	bare := strings.TrimLeft(s, "+-")
	if !ok || bare == "" || len(s)-len(bare) > 1 {
		return nil
	}
	if n, ok := document.ParseInt(s); ok && len(bare) <= maxDigits {
		return n
	}
	if strings.EqualFold(bare, "nan") { // to which Go lets no sign be put
		return math.NaN()
	}
	f, err := strconv.ParseFloat(s, 64)
	if errors.Is(err, strconv.ErrSyntax) || strings.ContainsAny(s, "xX") { // Go reads hexadecimal too
		return nil
	}
	return f
}

// latin makes every digit 0 to 9 and every blank beyond ASCII a plain one.
func latin(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0x80:
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsDigit(r):
			return '0' + digit(r)
		}
		return r
	}, s)
}

// digit is the value of a decimal digit, of which Unicode has runs from 0 to 9, some of them side by side.
func digit(r rune) rune {
	first := r
	for unicode.IsDigit(first - 1) {
		first--
	}
	return (r - first) % 10
}

// digitsOnly takes out the underscores. Each must stand between two digits.
func digitsOnly(s string) (string, bool) {
	for i := range len(s) {
		if s[i] == '_' && (i == 0 || i == len(s)-1 || !isDigit(s[i-1]) || !isDigit(s[i+1])) {
			return "", false
		}
	}
	return strings.ReplaceAll(s, "_", ""), true
}
