package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

const (
	// maxBytes is far more than anybody writes by hand, and half of what Linux takes as one argument or variable, so
	// that no command and no value in a file is too long to be used. App Runner's limit is not documented.
	maxBytes = 64 << 10
	// maxDepth is how deep lists and maps may lie within each other: apprunner.yaml needs five.
	maxDepth = 20
	// maxValues is what a file may grow to when each alias is taken for what it names.
	maxValues = 10_000
)

// load makes nodes of a file: the root of its only document, within the limits and free of cycles.
func load(data []byte) (*yaml.Node, *Fault) {
	if len(data) > maxBytes {
		return nil, &Fault{Text: fmt.Sprintf("the file has %d bytes, and %d are the limit. Move what is long into scripts in the repository.", len(data), maxBytes)}
	}
	if fault := checkText(data); fault != nil {
		return nil, fault
	}
	root, fault := compose(data)
	if fault != nil {
		return nil, fault
	}
	m := measure{sizes: map[*yaml.Node]int{}}
	size, fault := m.size(root)
	if fault == nil && size > maxValues {
		fault = &Fault{Text: fmt.Sprintf("the file has more than %d values, with what aliases repeat, and that is the limit. Write fewer of them.", maxValues)}
	}
	return root, fault
}

// checkText refuses bytes that no YAML holds, of which the library does not say where they are.
func checkText(data []byte) *Fault {
	line, column := 1, 1
	for rest := data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			return &Fault{line, column, "the file isn't UTF-8 text. Save it as UTF-8."}
		case !printable(r), r == bom && len(rest) < len(data):
			return &Fault{line, column, fmt.Sprintf("the character %U has no place in YAML. Remove it.", r)}
		case r == '\n':
			line, column = line+1, 1
		default:
			column++
		}
		rest = rest[size:]
	}
	return nil
}

// bom is the mark that some editors put at a file's beginning.
const bom = '\ufeff'

// printable is YAML's own set.
func printable(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r', r == 0x85:
		return true
	case r < ' ', r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff:
		return false
	}
	return true
}

func compose(data []byte) (*yaml.Node, *Fault) {
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil {
		return nil, syntax(data, err)
	}
	var document, second yaml.Node
	switch err := loader.Load(&document); {
	case errors.Is(err, io.EOF), err == nil && len(document.Content) == 0:
		return nil, &Fault{Text: "the file is empty. Give at least version, runtime, build and run."}
	case err != nil:
		return nil, syntax(data, err)
	}
	switch err := loader.Load(&second); {
	case err == nil:
		return nil, &Fault{second.Line, second.Column, "a second document begins here, and there can be only one. Remove it, with the line `---` or `...` before it."}
	case !errors.Is(err, io.EOF):
		return nil, syntax(data, err)
	}
	return document.Content[0], nil
}

// syntax says in the library's words what is wrong, and in ours what to do.
func syntax(data []byte, err error) *Fault {
	e, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return &Fault{Text: fmt.Sprintf("this is no YAML: %v. Look at its indentation, quotes and brackets.", err)}
	}
	mark := e.Mark
	if mark.Line == 0 {
		mark = e.ContextMark
	}
	fault := &Fault{Line: mark.Line, Column: mark.Column}
	if strings.HasPrefix(e.Message, "exceeded max depth") {
		fault.Text = fmt.Sprintf("lists and maps lie more than %d deep within each other, which is the limit. apprunner.yaml needs five levels.", maxDepth)
		return fault
	}
	fault.Text = fmt.Sprintf("this is no YAML: %s%s. %s", e.Message, context(e), advice(e, charAt(data, mark)))
	return fault
}

// context says where what could not be read began, if that is elsewhere.
func context(e *yaml.LoadError) string {
	if e.ContextMsg == "" || e.ContextMark.Line == 0 || e.ContextMark == e.Mark {
		return ""
	}
	return fmt.Sprintf(" %s that begins at %d:%d", e.ContextMsg, e.ContextMark.Line, e.ContextMark.Column)
}

func advice(e *yaml.LoadError, at rune) string {
	switch {
	case at == '\t':
		return "Indent with spaces: YAML takes no tabs for it."
	case strings.Contains(e.Message, "cannot start any token"):
		return fmt.Sprintf("Put quotes around a text that begins with %q.", at)
	case strings.Contains(e.Message, "mapping values are not allowed"):
		return "Put quotes around a text that holds a colon and a space, and indent all keys of a map alike."
	case strings.Contains(e.Message, "unknown anchor"):
		return "Put quotes around a text that begins with an asterisk, or define the anchor before this place."
	}
	return "Look at the indentation, quotes and brackets here and before."
}

func charAt(data []byte, mark yaml.Mark) rune {
	lines := strings.Split(string(data), "\n")
	if mark.Line < 1 || mark.Line > len(lines) {
		return 0
	}
	line := []rune(lines[mark.Line-1])
	if mark.Column < 1 || mark.Column > len(line) {
		return 0
	}
	return line[mark.Column-1]
}

// measure counts values. What an alias names is counted again at each alias but looked at once, so that a file which
// would grow beyond any memory is refused in no time.
type measure struct{ sizes map[*yaml.Node]int }

const measuring = -1

func (m *measure) size(n *yaml.Node) (int, *Fault) {
	at := n
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	size, known := m.sizes[n]
	switch {
	case size == measuring:
		return 0, &Fault{at.Line, at.Column, "this alias lies within what it names, and would never end. Remove it."}
	case known:
		return size, nil
	}
	m.sizes[n] = measuring
	total := 1
	for _, child := range n.Content {
		size, fault := m.size(child)
		if fault != nil {
			return 0, fault
		}
		total = min(total+size, maxValues+1)
	}
	m.sizes[n] = total
	return total, nil
}
