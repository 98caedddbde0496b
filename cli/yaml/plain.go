package yaml

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"apron/cli/document"
)

// scalar makes a value of a text and its tag.
func scalar(n *yaml.Node, t tag) (any, error) {
	if n.Kind != yaml.ScalarNode {
		return nil, misfit(n, t)
	}
	switch t {
	case tagString:
		return n.Value, nil
	case tagNull:
		return nil, nil
	case tagBool:
		return boolean(n.Value)
	case tagInt:
		return integer(n.Value)
	case tagFloat:
		return float(n.Value)
	case tagTimestamp:
		return timestamp(n)
	case tagBinary:
		return binary(n)
	}
	return nil, misfit(n, t)
}

// boolean reads more than resolve takes for one, for a tag may be given.
func boolean(text string) (any, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "y", "on":
		return true, nil
	case "false", "no", "n", "off":
		return false, nil
	}
	return nil, ValueError(document.Repr(strings.ToLower(text)))
}

// sign takes underscores and the sign out of a number.
func sign(text string) (digits string, negative bool, err error) {
	digits = strings.ReplaceAll(text, "_", "")
	if digits == "" {
		return "", false, ValueError("string index out of range")
	}
	if digits[0] == '-' || digits[0] == '+' {
		return digits[1:], digits[0] == '-', nil
	}
	return digits, false, nil
}

func integer(text string) (any, error) {
	digits, negative, err := sign(text)
	if err != nil {
		return nil, err
	}
	for prefix, base := range map[string]int{"0b": 2, "0o": 8, "0x": 16} {
		if rest, ok := strings.CutPrefix(digits, prefix); ok {
			return integerOf(rest, base, negative)
		}
	}
	v, err := document.Int(digits)
	if err != nil {
		return nil, ValueError(err.Error())
	}
	if !negative {
		return v, nil
	}
	n, _ := new(big.Int).SetString(document.Str(v), 10)
	return normal(n.Neg(n)), nil
}

func integerOf(digits string, base int, negative bool) (any, error) {
	n, ok := new(big.Int).SetString(digits, base)
	if !ok || strings.ContainsAny(digits, "+-") {
		return nil, ValueError(fmt.Sprintf("invalid literal for int() with base %d: %s", base, document.Repr(digits)))
	}
	if negative {
		n.Neg(n)
	}
	return normal(n), nil
}

// normal is int64 where n fits one.
func normal(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

func float(text string) (any, error) {
	digits, negative, err := sign(strings.ToLower(text))
	if err != nil {
		return nil, err
	}
	f := 0.0
	switch digits {
	case ".inf":
		f = math.Inf(1)
	case ".nan":
		return math.NaN(), nil
	default:
		f, err = strconv.ParseFloat(digits, 64)
		if err != nil && !math.IsInf(f, 0) || strings.ContainsAny(digits, "xp") {
			return nil, ValueError("could not convert string to float: " + document.Repr(digits))
		}
	}
	if negative {
		f = -f
	}
	return f, nil
}

func binary(n *yaml.Node) (any, error) {
	text := strings.Map(func(r rune) rune {
		if strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", r) {
			return r
		}
		return -1
	}, n.Value)
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !isASCII(n.Value) {
		return nil, &SyntaxError{Problem: "failed to decode base64 data", Line: n.Line}
	}
	return document.Bytes(b), nil
}

func isASCII(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0 }
