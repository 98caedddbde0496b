package recipe

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"apron/api"
)

// variable is a name in a list of them, such as run.env.
type variable struct{ list, name string }

// variables is a list of maps with a name and, under the key from, a value.
func (r *reader) variables(n *yaml.Node, called, from string, check func(n *yaml.Node, name, value string)) map[string]string {
	set := map[string]string{}
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "%s has to be a list of names and values, and is %s. Write each as `- name: NAME` and, on the next line, `%s: ...` below `name`.", called, kind(n), from)
		return set
	}
	r.checkTag(n, called)
	for i, item := range n.Content {
		name, value, at := r.variable(resolve(item), called, fmt.Sprintf("entry %d of %s", i+1, called), from)
		if at == nil {
			continue
		}
		if _, twice := set[name]; twice {
			r.fault(at, "%s has %s twice. Keep one of them.", called, shown(name))
			continue
		}
		set[name], r.places[variable{called, name}] = value, at
		check(at, name, value)
	}
	return set
}

// variable returns the node of the name too, or nil when the entry is no whole one.
func (r *reader) variable(n *yaml.Node, list, called, from string) (name, value string, at *yaml.Node) {
	if wrongForm(n, from) {
		r.fault(n, "%s is no name with a value. Write it as `name: NAME` and, on the next line, `%s: ...`.", called, from)
		return "", "", nil
	}
	var hasName, hasValue bool
	r.object(n, list+"[]", called, readers{
		"name": func(n *yaml.Node) { name, hasName = r.text(n, "name of "+called); at = n },
		from:   func(n *yaml.Node) { value, hasValue = r.text(n, from+" of "+called) },
	})
	if !hasName || !hasValue {
		return "", "", nil
	}
	return name, value, at
}

// wrongForm reports an entry such as `- NAME=value` or `- NAME: value`, of which one fault says more than three.
func wrongForm(n *yaml.Node, from string) bool {
	if n.Kind != yaml.MappingNode {
		return true
	}
	for i := 0; i < len(n.Content); i += 2 {
		if key := resolve(n.Content[i]); key.ShortTag() == "!!merge" || near(key.Value, []string{"name", from}) != "" {
			return false
		}
	}
	return true
}

func (r *reader) checkBuildVariable(n *yaml.Node, name, _ string) {
	r.checkName(n, "build.env", name)
}

func (r *reader) checkRunVariable(n *yaml.Node, name, _ string) {
	r.checkRunName(n, "run.env", name)
}

func (r *reader) checkSecret(n *yaml.Node, name, value string) {
	if r.checkRunName(n, "run.secrets", name) && !api.IsSecret(value) {
		r.fault(n, "%s in run.secrets has a value-from that names no secret. Give the ARN of a Secrets Manager secret, or the ARN or the name of an SSM parameter.", shown(name))
	}
}

func (r *reader) checkRunName(n *yaml.Node, in, name string) bool {
	if name == "PORT" {
		r.fault(n, "PORT is reserved: it is always set to the port. Remove it from %s and set port in run.network.", in)
		return false
	}
	return r.checkName(n, in, name)
}

func (r *reader) checkName(n *yaml.Node, in, name string) bool {
	text := nameFault(name, in)
	if text != "" {
		r.fault(n, "%s", text)
	}
	return text == ""
}

// nameFault is what is wrong with a variable's name, or "".
func nameFault(name, in string) string {
	switch {
	case name == "":
		return fmt.Sprintf("a variable in %s has an empty name. Give it one.", in)
	case strings.HasPrefix(name, "AWSAPPRUNNER"):
		return fmt.Sprintf("%s in %s begins with AWSAPPRUNNER, which is reserved. Rename it.", shown(name), in)
	case strings.ContainsAny(name, "=\x00"):
		return fmt.Sprintf("%s in %s holds an equals sign, which no variable can have in its name. Rename it.", shown(name), in)
	}
	return ""
}
