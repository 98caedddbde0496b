package param

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/ianaindex"
)

// encodingVariable says in what encoding files of text are; UTF-8 without it.
const encodingVariable = "AWS_CLI_FILE_ENCODING"

// errNoText is content that is none of its encoding's.
var errNoText = errors.New("not text of its encoding")

// encodingError is what Python says, and no more than that, of an encoding that there is none of or that needs a mark.
type encodingError string

func (e encodingError) Error() string { return string(e) }

// decodeFile makes text of what is in a file of text.
func decodeFile(content []byte) (string, error) {
	name, ok := os.LookupEnv(encodingVariable)
	if usual := normalized(name); !ok || usual == "utf-8" {
		return validText(content)
	} else if usual == "utf-8-sig" {
		text, err := validText(content)
		return strings.TrimPrefix(text, "\ufeff"), err
	}
	known, err := ianaindex.IANA.Encoding(normalized(name))
	if err != nil || known == nil {
		return "", encodingError("unknown encoding: " + name)
	}
	text, err := known.NewDecoder().Bytes(content)
	if err != nil {
		return "", fmt.Errorf("decode %s: %w", name, err)
	}
	if strings.ContainsRune(string(text), utf8.RuneError) {
		return "", errNoText
	}
	if normalized(name) == "utf-16" && !marked(content) {
		return "", encodingError("UTF-16 stream does not start with BOM")
	}
	return string(text), nil
}

// marked reports whether content begins by telling its byte order, where there is any.
func marked(content []byte) bool {
	return len(content) == 0 || bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff"))
}

func validText(content []byte) (string, error) {
	if !utf8.Valid(content) {
		return "", errNoText
	}
	return string(content), nil
}

// normalized is the registered name of an encoding for one that Python takes.
func normalized(name string) string {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if page, ok := strings.CutPrefix(name, "cp125"); ok {
		return "windows-125" + page
	}
	return cmp.Or(pythonNames[name], name)
}

var pythonNames = map[string]string{
	"utf8": "utf-8", "u8": "utf-8", "latin-1": "latin1", "iso8859-1": "latin1", "ascii": "us-ascii", "utf-16-le": "utf-16le", "utf-16-be": "utf-16be",
	"shift-jis": "shift_jis", "sjis": "shift_jis",
}
