package yaml

import "strings"

// prepare refuses or smooths over where go.yaml.in/yaml and ruamel.yaml differ, as far as that shows in the text itself.
func prepare(text string) (string, error) {
	if i := strings.IndexFunc(text, func(r rune) bool { return !isAllowed(r) }); i >= 0 {
		return "", &SyntaxError{Problem: "special characters are not allowed", Line: 1 + strings.Count(text[:i], "\n")}
	}
	if last := strings.LastIndexByte(text, '\n'); strings.Trim(text[last+1:], " ") == "" {
		text = text[:last+1] // a last line of spaces would end a block scalar with an empty line
	}
	return prepareStart(text)
}

// isAllowed reports whether a character may stand in YAML.
func isAllowed(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0x7e || r == 0x85 || r >= 0xa0 && r != 0xfffe && r != 0xffff
}

// prepareStart looks at what is before the document: an end of one, which is an error that the library passes over, and
// a version, of which the library knows 1.1 only.
func prepareStart(text string) (string, error) {
	at := 0
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, " \r\n")
		switch {
		case bare == "..." || strings.HasPrefix(bare, "... "):
			return "", &SyntaxError{Problem: "expected the node content, but found '<document end>'", Line: 1 + strings.Count(text[:at], "\n")}
		case strings.HasPrefix(bare, "%YAML 1.2"):
			return text[:at] + strings.Replace(text[at:], "1.2", "1.1", 1), nil
		case bare != "" && !strings.HasPrefix(strings.TrimLeft(bare, " "), "#"):
			return text, nil
		}
		at += len(line)
	}
	return text, nil
}
