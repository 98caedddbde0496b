package http1

import "bytes"

// What each byte may be part of.
const (
	inToken  = 1 << iota // RFC 9110, 5.6.2: methods, header names, connection options
	inValue              // header values, reason phrases: anything but control characters; tab is allowed
	inTarget             // request targets: visible characters, and bytes beyond ASCII, which browsers and curl send raw
	inHost               // host names and IPv4 addresses; what lies in brackets is looked at apart
)

var chars = func() (table [256]uint8) {
	const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, c := range []byte(alphanumeric + "!#$%&'*+-.^_`|~") {
		table[c] |= inToken
	}
	for _, c := range []byte(alphanumeric + "-._~") {
		table[c] |= inHost
	}
	for c := range table {
		if c == '\t' || c >= ' ' && c != 0x7f {
			table[c] |= inValue
		}
		if c > ' ' && c != 0x7f && c != '#' {
			table[c] |= inTarget
		}
	}
	return table
}()

// folded maps a byte of a header's name to the form in which names are compared.
var folded = func() (table [256]byte) {
	for c := range table {
		table[c] = byte(c)
		if 'A' <= c && c <= 'Z' {
			table[c] += 'a' - 'A'
		}
	}
	return table
}()

func all(b []byte, class uint8) bool {
	for _, c := range b {
		if chars[c]&class == 0 {
			return false
		}
	}
	return true
}

func isToken(b []byte) bool { return len(b) > 0 && all(b, inToken) }

// EqualFold reports that b is lower, which must be in lower case, whatever the case of b's letters.
func EqualFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if folded[c] != lower[i] {
			return false
		}
	}
	return true
}

// sameFold reports that the two are equal whatever the case of their letters.
func sameFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if folded[a[i]] != folded[b[i]] {
			return false
		}
	}
	return true
}

func indexByte(b []byte, c byte) int { return bytes.IndexByte(b, c) }

// trim takes the optional white space off both ends.
func trim(b []byte, from, to int) (int, int) {
	for from < to && (b[from] == ' ' || b[from] == '\t') {
		from++
	}
	for from < to && (b[to-1] == ' ' || b[to-1] == '\t') {
		to--
	}
	return from, to
}

// digits reads a decimal number of up to 18 digits, which can't overflow; -1 is for anything else.
func digits(b []byte) int64 {
	if len(b) == 0 || len(b) > 18 {
		return -1
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int64(c-'0')
	}
	return n
}
