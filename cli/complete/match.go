package complete

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// Match chooses, and orders, those of all that what was typed can become.
type Match func(typed string, all []Suggestion) []Suggestion

// Prefix keeps those that begin as typed, in their order, as shells expect it.
func Prefix(typed string, all []Suggestion) (kept []Suggestion) {
	for _, s := range all {
		if strings.HasPrefix(s.Label(), typed) {
			kept = append(kept, s)
		}
	}
	return kept
}

// Fuzzy keeps those that hold the characters typed in their order, whatever their case and whatever stands between
// them: ps finds pause-service. The closer together and the farther left they stand, the earlier a suggestion comes. It is
// how AWS's prompt finds its own.
func Fuzzy(typed string, all []Suggestion) (kept []Suggestion) {
	if typed == "" {
		return all
	}
	type ranked struct {
		Suggestion
		start, length int
	}
	var found []ranked
	for _, s := range all {
		if start, length, ok := spread([]rune(typed), []rune(s.Label())); ok {
			found = append(found, ranked{s, start, length})
		}
	}
	slices.SortStableFunc(found, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.length, b.length), cmp.Compare(a.start, b.start), cmp.Compare(a.Label(), b.Label()))
	})
	for _, r := range found {
		kept = append(kept, r.Suggestion)
	}
	return kept
}

// RequiredFirst moves the options that an operation needs to the front.
func RequiredFirst(all []Suggestion) []Suggestion {
	slices.SortStableFunc(all, func(a, b Suggestion) int {
		switch {
		case a.Required == b.Required:
			return 0
		case a.Required:
			return -1
		}
		return 1
	})
	return all
}

// spread returns where in text the characters typed begin, at the leftmost place from which all follow, and over how
// many they spread.
func spread(typed, text []rune) (start, length int, ok bool) {
	for start := range text {
		if end, ok := follow(typed, text, start); ok {
			return start, end - start, true
		}
	}
	return 0, 0, false
}

func follow(typed, text []rune, start int) (end int, ok bool) {
	if !same(typed[0], text[start]) {
		return 0, false
	}
	next := 0
	for i := start; i < len(text); i++ {
		if same(typed[next], text[i]) {
			next++
		}
		if next == len(typed) {
			return i + 1, true
		}
	}
	return 0, false
}

func same(a, b rune) bool { return unicode.ToLower(a) == unicode.ToLower(b) }
