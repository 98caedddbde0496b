package output

import "golang.org/x/text/width"

// textWidth is how many columns of a table a text takes: two for each character that is wide in East Asia or may be, as
// the reference counts, which knows nothing of characters without a width.
func textWidth(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r < 0x80 {
			continue
		}
		switch width.LookupRune(r).Kind() {
		case width.EastAsianAmbiguous, width.EastAsianWide, width.EastAsianFullwidth:
			n++
		}
	}
	return n
}
