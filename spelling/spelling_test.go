package spelling

import (
	"strings"
	"testing"
)

func TestDistance_CountsWhatHasToBeTypedOtherwise(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"main", "main", 0}, {"", "main", 4}, {"main", "", 4},
		{"mian", "main", 1}, {"mster", "master", 1}, {"maain", "main", 1}, {"maim", "main", 1},
		{"kitten", "sitting", 3}, {"ab", "ba", 1}, {"abcd", "badc", 2},
	} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("from %q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// A key of 64 KB costs no more than one of 64 bytes.
func TestDistance_LooksAtTheBeginningsOfLongWords(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	if got := Distance(long, long[:1<<19]+"b"); got != 0 {
		t.Errorf("%d between two words that begin alike", got)
	}
	if got := Distance(long, "build"); got != longest {
		t.Errorf("%d to a short word, want %d", got, longest)
	}
}
