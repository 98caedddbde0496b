package awsdocs

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// sentence is the beginning of a documentation in HTML up to the first point or colon, in one line, as the AWS CLI cuts
// it for its comments.
func sentence(documentation string) string {
	text, _, _ := strings.Cut(plain(documentation), ".")
	text, _, _ = strings.Cut(text, ":")
	if text != "" {
		text += "."
	}
	return strings.NewReplacer("\n", " ", "\u2028", " ").Replace(text)
}

// plain takes the tags away where the documentation is well formed.
func plain(documentation string) string {
	var b strings.Builder
	d := xml.NewDecoder(strings.NewReader("<doc>" + documentation + "</doc>"))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			return documentation
		}
		if text, ok := token.(xml.CharData); ok {
			b.Write(text)
		}
	}
}
