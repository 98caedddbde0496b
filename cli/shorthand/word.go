package shorthand

import (
	"strings"

	"apron/cli/document"
)

// The characters of keys and of words without quotes. Nothing beyond U+FFFF may stand in such a word.

func isKey(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r != end && strings.ContainsRune("-_.#/:", r)
}

// startsWord: a word begins with neither space nor quotes, nor with what has a meaning there.
func startsWord(r rune) bool {
	return r > ' ' && r <= 0xffff && !strings.ContainsRune(`"',=[{`, r)
}

// continuesFirst is for words that brackets may end, continuesSecond for those behind a comma outside all brackets,
// which a key may turn out to be.
func continuesFirst(r rune) bool  { return continues(r) && !strings.ContainsRune("]}", r) }
func continuesSecond(r rune) bool { return continues(r) && r != '=' }

func continues(r rune) bool {
	return document.IsSpace(r) || r > ' ' && r <= 0xffff && !strings.ContainsRune(`"',`, r)
}

// firstWord reads a word with or without quotes; it may be empty.
func (r *reader) firstWord() (string, error) {
	if isQuote(r.peek()) {
		return r.quoted()
	}
	return r.plain(continuesFirst), nil
}

// secondWord reads a word that may not be empty.
func (r *reader) secondWord() (string, error) {
	if isQuote(r.peek()) {
		return r.quoted()
	}
	start := r.pos
	word := r.plain(continuesSecond)
	if r.pos == start {
		return "", r.fault("<second>", "<none>")
	}
	return word, nil
}

// plain reads a word without quotes, in which a backslash lets a comma be a part of it.
func (r *reader) plain(continues func(rune) bool) string {
	start := r.pos
	for allowed := startsWord; ; allowed = continues {
		switch {
		case r.peek() == '\\' && r.pos+1 < len(r.text) && r.text[r.pos+1] == ',':
			r.pos += 2
			continue
		case r.peek() != end && allowed(r.peek()):
			r.pos++
			continue
		}
		break
	}
	word := strings.ReplaceAll(string(r.text[start:r.pos]), `\,`, ",")
	return strings.TrimRightFunc(word, document.IsSpace)
}

func isQuote(r rune) bool { return r == '\'' || r == '"' }

// quoted reads a word in quotes of either kind. A backslash before the quote makes it a part of the word, unless it is
// the last quote there is.
func (r *reader) quoted() (string, error) {
	quote := r.peek()
	stop := closing(r.text, r.pos+1, quote)
	if stop < 0 {
		return "", r.fault(map[rune]string{'\'': "<singled quoted>", '"': "<double quoted>"}[quote], "<none>")
	}
	word := string(r.text[r.pos+1 : stop])
	r.pos = stop + 1
	return strings.ReplaceAll(strings.ReplaceAll(word, `\`+string(quote), string(quote)), `\\`, `\`), nil
}

// closing finds the quote that ends a word, or -1.
func closing(text []rune, from int, quote rune) int {
	escaped := -1
	for i := from; i < len(text); i++ {
		switch {
		case text[i] == quote:
			return i
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '\\' || text[i+1] == quote):
			i++
			if text[i] == quote {
				escaped = i
			}
		}
	}
	return escaped
}
