package output

import (
	"testing"
	"unicode"
)

const widths = `
import json, sys, unicodedata
from awscli.table import get_text_length
def width(c):
    return '-' if unicodedata.category(c) in ('Cn', 'Cs') else str(get_text_length(c))
json.dump([''.join(width(chr(c)) for c in range(start, start + 256)) for start in json.load(sys.stdin)], sys.stdout)`

// TestTextWidth_AgreesWithTheReference asks for every character that the reference's Unicode has.
func TestTextWidth_AgreesWithTheReference(t *testing.T) {
	var starts []int
	for r := 0; r <= unicode.MaxRune; r += 256 {
		starts = append(starts, r)
	}
	for i, block := range ask[int, string](t, widths, starts) {
		for j, want := range []byte(block) {
			r := rune(starts[i] + j)
			if got := textWidth(string(r)); want != '-' && got != int(want-'0') {
				t.Errorf("%U is %d wide, want %c", r, got, want)
			}
		}
	}
}
