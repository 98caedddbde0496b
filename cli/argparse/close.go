package argparse

import (
	"cmp"
	"slices"
)

// closeMatches returns up to three of the words that are much like the given one, the most alike first, as Python's
// difflib.get_close_matches does with a cutoff of 0.8.
func closeMatches(word string, words []string) []string {
	const most, cutoff = 3, 0.8
	type match struct {
		word  string
		ratio float64
	}
	m := newMatcher([]rune(word))
	var found []match
	for _, w := range words {
		if ratio := m.ratio([]rune(w)); ratio >= cutoff {
			found = append(found, match{w, ratio})
		}
	}
	slices.SortStableFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(b.ratio, a.ratio), cmp.Compare(b.word, a.word))
	})
	var best []string
	for _, f := range found[:min(most, len(found))] {
		best = append(best, f.word)
	}
	return best
}

// matcher compares texts with one text, by Ratcliff and Obershelp's gestalt pattern matching.
type matcher struct {
	text   []rune
	places map[rune][]int // where each character of text is, without those that are all over a long text
}

func newMatcher(text []rune) *matcher {
	m := &matcher{text: text, places: map[rune][]int{}}
	for i, r := range text {
		m.places[r] = append(m.places[r], i)
	}
	if len(text) >= 200 {
		for r, at := range m.places {
			if len(at) > len(text)/100+1 {
				delete(m.places, r)
			}
		}
	}
	return m
}

// ratio is twice the number of characters that match, of all characters.
func (m *matcher) ratio(other []rune) float64 {
	if len(m.text)+len(other) == 0 {
		return 1
	}
	return 2 * float64(m.matches(other, 0, len(other), 0, len(m.text))) / float64(len(m.text)+len(other))
}

// matches counts the characters of the longest run that a[alo:ahi] and text[blo:bhi] share, and of those to its left
// and right.
func (m *matcher) matches(a []rune, alo, ahi, blo, bhi int) int {
	i, j, n := m.longest(a, alo, ahi, blo, bhi)
	if n == 0 {
		return 0
	}
	return n + m.matches(a, alo, i, blo, j) + m.matches(a, i+n, ahi, j+n, bhi)
}

// longest finds the first of the longest runs that both share; it grows into the characters that places leaves out.
func (m *matcher) longest(a []rune, alo, ahi, blo, bhi int) (i, j, n int) {
	i, j = alo, blo
	lengths := map[int]int{} // of the runs that end at a place of text and the character before in a
	for x := alo; x < ahi; x++ {
		next := map[int]int{}
		for _, y := range m.places[a[x]] {
			if y < blo || y >= bhi {
				continue
			}
			k := lengths[y-1] + 1
			next[y] = k
			if k > n {
				i, j, n = x-k+1, y-k+1, k
			}
		}
		lengths = next
	}
	for i > alo && j > blo && a[i-1] == m.text[j-1] {
		i, j, n = i-1, j-1, n+1
	}
	for i+n < ahi && j+n < bhi && a[i+n] == m.text[j+n] {
		n++
	}
	return i, j, n
}
