package model

import (
	"strings"
	"unicode"
)

// Hyphenate turns a name of the API into one of the command line as AWS's CLI does: PauseService is pause-service,
// EnableWWWSubdomain is enable-www-subdomain and VpcDNSTargets is vpc-dns-targets.
func Hyphenate(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		if startsWord(runes, i) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// startsWord reports whether a word of the name begins at i: a capital after a small letter or digit, or the last of
// several capitals when small letters follow it.
func startsWord(name []rune, i int) bool {
	if i == 0 || !unicode.IsUpper(name[i]) {
		return false
	}
	if !unicode.IsUpper(name[i-1]) {
		return true
	}
	return i+1 < len(name) && unicode.IsLower(name[i+1])
}
