package complete

import (
	"strings"

	"apron/cli/model"
)

// option is one option of a command line: an operation's own or one of every command.
type option struct {
	name     string // without dashes
	kind     string
	doc      string
	required bool
	flag     bool         // takes no value
	several  bool         // takes all words up to the next option
	choices  []string     // the values that may be given, where those are limited
	global   bool         // of every command
	member   string       // the input's member that it sets, or empty
	shape    *model.Shape // of that member
}

// operationOptions are the options of one operation in the order of the model; a boolean has two.
func operationOptions(o *model.Operation) (all []*option) {
	if o == nil {
		return nil
	}
	if o.Input != nil {
		for _, m := range o.Input.Members {
			all = append(all, memberOptions(o.Input, m)...)
		}
	}
	if o.Output == nil { // a waiter, which takes no documents
		return all
	}
	return append(all,
		&option{name: "cli-input-json", kind: "string", doc: "The arguments as a JSON document, or file:// and its name."},
		&option{name: "cli-input-yaml", kind: "string", doc: "The arguments as a YAML document, or file:// and its name."},
		&option{name: "generate-cli-skeleton", kind: "string", doc: "Print a skeleton of the arguments or of the output and send nothing.",
			choices: []string{"input", "yaml-input", "output"}})
}

func memberOptions(input *model.Shape, m model.Member) []*option {
	o := option{
		name: model.Hyphenate(m.Name), kind: m.Shape.Type, doc: plain(m.Doc), required: input.IsRequired(m.Name),
		several: m.Shape.Type == "list", member: m.Name, shape: m.Shape, choices: m.Shape.Enum,
	}
	if m.Shape.Type != "boolean" {
		return []*option{&o}
	}
	o.flag = true
	no := o
	no.name = "no-" + o.name
	return []*option{&o, &no}
}

// tail is the part of a value that is being typed: of a nested one its last word, of a file's name its last element.
func (o *option) tail(value string) string {
	if scheme := fileScheme(value); scheme != "" {
		return value[strings.LastIndexByte(value, '/')+1:]
	}
	switch {
	case o.name == "query":
		return value[strings.LastIndexByte(value, '.')+1:]
	case o.shape != nil && nested(o.shape):
		return value[shorthand(o.shape, value).start:]
	}
	return value
}

// plain returns the text of a model's description: without its marks and on one line.
func plain(doc string) string {
	var b strings.Builder
	for {
		text, rest, ok := strings.Cut(doc, "<")
		b.WriteString(text)
		if !ok {
			return strings.Join(strings.Fields(b.String()), " ")
		}
		_, doc, _ = strings.Cut(rest, ">")
	}
}
