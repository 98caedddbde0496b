package recipe

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// reader goes through a document by its layout and collects what is wrong, so that all of it is said at once.
type reader struct {
	runtimes        []Runtime
	faults, notices []Fault
	places          map[variable]*yaml.Node
}

func (r *reader) fault(n *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, Fault{n.Line, n.Column, fmt.Sprintf(format, args...)})
}

func (r *reader) notice(n *yaml.Node, format string, args ...any) {
	r.notices = append(r.notices, Fault{n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// readers are what is done with the values of a map's keys.
type readers map[string]func(*yaml.Node)

// object reads a map that is laid out as in says and called so in errors. An optional key without a value is as good as
// none: its lines may be commented out for now.
func (r *reader) object(n *yaml.Node, in, called string, read readers) {
	if n = resolve(n); n.Kind != yaml.MappingNode {
		r.fault(n, "%s has to be a map with %s, and is %s.", called, sentence(names(layout[in])), kind(n))
		return
	}
	r.checkTag(n, called)
	given := r.entries(n, in, called)
	for _, e := range layout[in] {
		value, ok := given[e.name]
		switch {
		case ok && !isNull(value):
			read[e.name](resolve(value))
		case ok && e.missing != "":
			r.fault(value, "%s in %s has no value. %s", e.name, called, e.missing)
		case e.missing != "":
			r.fault(n, "%s has no %s. %s", called, e.name, e.missing)
		}
	}
}

// entries are a map's values by their keys, which have all to be in the layout.
func (r *reader) entries(n *yaml.Node, in, called string) map[string]*yaml.Node {
	given := map[string]*yaml.Node{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), n.Content[i+1]
		switch _, twice := given[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			r.fault(n.Content[i], "a key of %s is %s. Keys are plain words here.", called, kind(key))
		case key.ShortTag() == "!!merge":
			merged = append(merged, value)
		case !slices.Contains(names(layout[in]), key.Value):
			r.fault(n.Content[i], "%s in %s means nothing. %s", shown(key.Value), called, hint(in, key.Value))
		case twice:
			r.fault(n.Content[i], "%s is in %s twice. Keep one of them.", key.Value, called)
		default:
			given[key.Value] = value
		}
	}
	for _, value := range merged {
		r.merge(given, value, in, called)
	}
	return given
}

// merge adds what a merge key brings, which is a map or a list of them: what is there already stays.
func (r *reader) merge(given map[string]*yaml.Node, value *yaml.Node, in, called string) {
	from := []*yaml.Node{value}
	if list := resolve(value); list.Kind == yaml.SequenceNode {
		from = list.Content
	}
	for _, n := range from {
		source := resolve(n)
		if source.Kind != yaml.MappingNode {
			r.fault(n, "<< in %s brings %s, and only maps can be merged. Name a map's anchor.", called, kind(source))
			continue
		}
		brought := r.entries(source, in, called)
		maps.DeleteFunc(brought, func(key string, _ *yaml.Node) bool { return given[key] != nil })
		maps.Copy(given, brought)
	}
}

// text is a scalar as it is written: 3.10 is no number here, nor is yes true.
func (r *reader) text(n *yaml.Node, called string) (string, bool) {
	switch n = resolve(n); {
	case n.Kind != yaml.ScalarNode:
		r.fault(n, "%s has to be a text, and is %s.%s", called, kind(n), quotes(n))
	case isNull(n):
		r.fault(n, "%s has no value. Write one, or remove it.", called)
	case !r.checkTag(n, called):
	case strings.Contains(n.Value, "\x00"):
		r.fault(n, "%s holds a NUL character, which no program can be given. Remove it.", called)
	default:
		return n.Value, true
	}
	return "", false
}

// quotes helps with a text that YAML took for a map: echo "a: b".
func quotes(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 {
		return " Put quotes around a text that holds a colon and a space."
	}
	return " Write one text."
}

// commands is a list of texts for the shell.
func (r *reader) commands(n *yaml.Node, called string) []string {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "%s has to be a list of commands, and is %s. Write each command on a line of its own, after a dash: `- npm ci`.", called, kind(n))
		return nil
	}
	r.checkTag(n, called)
	var list []string
	for i, item := range n.Content {
		item = resolve(item)
		command, ok := r.text(item, fmt.Sprintf("command %d of %s", i+1, called))
		if !ok {
			continue
		}
		r.checkCommand(item, fmt.Sprintf("command %d of %s", i+1, called), command)
		list = append(list, strings.TrimRight(command, "\n"))
	}
	return list
}

func (r *reader) checkCommand(n *yaml.Node, called, command string) {
	words := strings.Fields(command)
	switch {
	case len(words) == 0:
		r.fault(n, "%s is empty. Write a command, or remove it.", called)
	case slices.Contains(ofTheShell, words[0]) && !strings.ContainsAny(command, ";&|\n"):
		r.notice(n, "%s does nothing for those after it: each runs in a shell of its own, in the source directory. Join it with the next one: `%s ... && ...`.", called, words[0])
	}
}

// ofTheShell are commands that change their shell and nothing else.
var ofTheShell = []string{"cd", "export", "unset", "set", "source", ".", "alias", "umask", "pushd"}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	n = resolve(n)
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// ownTags are YAML's. What another one means is up to the program that reads it.
var ownTags = []string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp", "!!merge", "!!map", "!!seq"}

func (r *reader) checkTag(n *yaml.Node, called string) bool {
	own := slices.Contains(ownTags, n.ShortTag())
	if !own {
		r.fault(n, "%s has the tag %s, which means nothing here. Remove the tag.", called, shown(n.ShortTag()))
	}
	return own
}

func kind(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a map"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "empty"
	}
	return "a text"
}
