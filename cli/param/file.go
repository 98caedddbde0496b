package param

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"syscall"

	"apron/cli/document"
)

// load reads the file that a value like file://path or fileb://path names: a string, in which every line ends with \n,
// or document.Bytes. Any other value is none of its business, and ok is false.
func load(value string) (v any, ok bool, err error) {
	name, text := strings.CutPrefix(value, "file://")
	if !text {
		if name, ok = strings.CutPrefix(value, "fileb://"); !ok {
			return nil, false, nil
		}
	}
	path := expand(name)
	content, err := os.ReadFile(path)
	if err != nil {
		//lint:ignore ST1005 the words are those of the AWS CLI
		return nil, false, fmt.Errorf("Unable to load paramfile %s: %s", value, python(err, path))
	}
	if !text {
		return document.Bytes(content), true, nil
	}
	decoded, err := decodeFile(content)
	if _, ok := errors.AsType[encodingError](err); ok {
		return nil, false, err
	}
	if err != nil {
		//lint:ignore ST1005 the words are those of the AWS CLI
		return nil, false, fmt.Errorf("Unable to load paramfile (%s), text contents could not be decoded.  If this is a binary file, please use the fileb:// prefix instead of the file:// prefix.", path)
	}
	return newlines.Replace(decoded), true, nil
}

var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// python says of a failed system call what Python does.
func python(err error, path string) string {
	number, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return err.Error()
	}
	text := number.Error()
	return fmt.Sprintf("[Errno %d] %s: %s", int(number), strings.ToUpper(text[:1])+text[1:], document.Repr(path))
}

// expand puts homes for ~ and ~user, and the values of variables that exist for $name and ${name}.
func expand(path string) string {
	return expandVariables(expandHome(path))
}

func expandHome(path string) string {
	name, rest := path, ""
	if i := strings.IndexByte(path, '/'); i >= 0 {
		name, rest = path[:i], path[i:]
	}
	who, ok := strings.CutPrefix(name, "~")
	if !ok {
		return path
	}
	home, ok := homeOf(who)
	if !ok {
		return path
	}
	if path = strings.TrimRight(home, "/") + rest; path == "" {
		return "/"
	}
	return path
}

func homeOf(who string) (string, bool) {
	if who != "" {
		u, err := user.Lookup(who)
		if err != nil {
			return "", false
		}
		return u.HomeDir, true
	}
	if home, ok := os.LookupEnv("HOME"); ok {
		return home, true
	}
	u, err := user.Current()
	if err != nil {
		return "", false
	}
	return u.HomeDir, true
}

// expandVariables leaves variables that do not exist as they are written, unlike os.Expand.
func expandVariables(path string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(path, "$")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, length := variable(after)
		value, ok := os.LookupEnv(name)
		if !ok {
			value = "$" + after[:length]
		}
		b.WriteString(value)
		path = after[length:]
	}
}

// variable is the name that a text begins with, and how much of the text that is.
func variable(text string) (name string, length int) {
	if strings.HasPrefix(text, "{") {
		if i := strings.IndexByte(text, '}'); i > 0 {
			return text[1:i], i + 1
		}
		return "", 0
	}
	for length < len(text) && (text[length] == '_' || isAlphanumeric(text[length])) {
		length++
	}
	return text[:length], length
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
