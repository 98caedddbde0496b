package profile

import (
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"apron/cli/document"
)

// section is one section of an INI file: texts, and maps of texts where a block was indented below its key.
type section struct {
	name   string
	values *document.Map
}

// readSections reads the INI file as Python's configparser does. A path at which no file lies has no sections, and so
// has a file that may not be read. With nested, a value that begins on the line after its key is a map of its own.
func readSections(path string, nested bool) ([]section, error) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil
	}
	r := reader{seen: map[[2]string]bool{}, defaults: &options{}}
	if !utf8.Valid(text) || !r.read(string(text)) {
		return nil, &ParseError{Path: path}
	}
	sections, ok := r.sections(nested)
	if !ok {
		return nil, &ParseError{Path: path}
	}
	return sections, nil
}

// options are the keys of a section with the lines of their values.
type options struct {
	name  string
	keys  []string
	lines map[string][]string
}

func (o *options) set(key, value string) {
	if o.lines == nil {
		o.lines = map[string][]string{}
	}
	if _, ok := o.lines[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.lines[key] = []string{value}
}

// value is the key's value as one text: trailing empty lines belong to nobody.
func (o *options) value(key string) string {
	return strings.TrimRightFunc(strings.Join(o.lines[key], "\n"), document.IsSpace)
}

// reader takes an INI file line by line.
type reader struct {
	all      []*options
	defaults *options // those of [DEFAULT], which every section has too
	current  *options
	key      string // whose value a deeper line continues; "" is none
	indent   int
	seen     map[[2]string]bool
}

// read takes the text, and reports whether it is an INI file.
func (r *reader) read(text string) bool {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	for line := range strings.SplitSeq(text, "\n") {
		if !r.line(line) {
			return false
		}
	}
	return true
}

func (r *reader) line(line string) bool {
	value := strings.TrimFunc(line, document.IsSpace)
	switch {
	case value == "":
		r.extend("")
		return true
	case value[0] == '#' || value[0] == ';':
		return true
	}
	indent := utf8.RuneCountInString(line) - utf8.RuneCountInString(strings.TrimLeftFunc(line, document.IsSpace))
	if indent > r.indent && r.extend(value) {
		return true
	}
	r.indent = indent
	if name, ok := header(value); ok {
		return r.open(name)
	}
	return r.option(value)
}

// extend adds a line to the value that is open, and reports whether there is one.
func (r *reader) extend(line string) bool {
	if r.current == nil || r.key == "" {
		return false
	}
	r.current.lines[r.key] = append(r.current.lines[r.key], line)
	return true
}

// header returns the name between the first bracket and the last; what follows the last is ignored.
func header(line string) (string, bool) {
	end := strings.LastIndexByte(line, ']')
	if line[0] != '[' || end < 2 {
		return "", false
	}
	return line[1:end], true
}

// open begins a section. Only [DEFAULT] may come twice.
func (r *reader) open(name string) bool {
	r.key = ""
	if name == "DEFAULT" {
		r.defaults.name = name
		r.current = r.defaults
		return true
	}
	if slices.ContainsFunc(r.all, func(o *options) bool { return o.name == name }) {
		return false
	}
	r.current = &options{name: name}
	r.all = append(r.all, r.current)
	return true
}

// option takes a key and its value; a key may be there once.
func (r *reader) option(line string) bool {
	at := strings.IndexAny(line, "=:")
	if r.current == nil || at < 1 {
		return false
	}
	key := strings.ToLower(strings.TrimRightFunc(line[:at], document.IsSpace))
	mark := [2]string{r.current.name, key}
	if key == "" || r.seen[mark] {
		return false
	}
	r.seen[mark] = true
	r.key = key
	r.current.set(key, strings.TrimFunc(line[at+1:], document.IsSpace))
	return true
}

// sections returns what was read, and whether each nested block is one of keys and values.
func (r *reader) sections(nested bool) ([]section, bool) {
	var list []section
	for _, o := range r.all {
		s := section{name: o.name, values: &document.Map{}}
		for _, from := range []*options{o, r.defaults} {
			for _, key := range from.keys {
				if _, ok := s.values.Get(key); ok {
					continue
				}
				value, ok := parsed(from.value(key), nested)
				if !ok {
					return nil, false
				}
				s.values.Set(key, value)
			}
		}
		list = append(list, s)
	}
	return list, true
}

// parsed is the value as a section holds it.
func parsed(value string, nested bool) (any, bool) {
	if !nested || !strings.HasPrefix(value, "\n") {
		return value, true
	}
	block := &document.Map{}
	for line := range strings.FieldsFuncSeq(value, endsLine) {
		line = strings.TrimFunc(line, document.IsSpace)
		if line == "" {
			continue
		}
		key, inner, ok := strings.Cut(line, "=")
		if !ok {
			return nil, false
		}
		block.Set(strings.TrimFunc(key, document.IsSpace), strings.TrimFunc(inner, document.IsSpace))
	}
	return block, true
}

// endsLine reports whether Python's splitlines ends a line there.
func endsLine(r rune) bool {
	switch r {
	case '\n', '\v', '\f', '\r', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}
