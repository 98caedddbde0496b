package yaml

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"apron/cli/document"
)

// constructor makes values of nodes, each once.
type constructor struct {
	made map[*yaml.Node]any
	flat map[*yaml.Node]*entries
}

// entries are the members of an object.
type entries struct {
	pairs  [][2]*yaml.Node
	merged bool // some come from other objects, by way of "<<"
}

func tagOf(n *yaml.Node) tag {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		return tag(n.LongTag())
	case n.Kind == yaml.MappingNode:
		return tagMap
	case n.Kind == yaml.SequenceNode:
		return tagList
	case n.Style&quoted != 0:
		return tagString
	}
	return resolve(n.Value)
}

func (c *constructor) value(n *yaml.Node) (v any, err error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if v, ok := c.made[n]; ok {
		return v, nil
	}
	switch t := tagOf(n); t {
	case tagMap, tagOrdered, tagSet, tagPairs, tagList:
		v, err = c.collection(n, t)
	default:
		v, err = scalar(n, t)
	}
	c.made[n] = v
	return v, err
}

func (c *constructor) collection(n *yaml.Node, t tag) (any, error) {
	switch {
	case t == tagMap && n.Kind == yaml.MappingNode:
		return c.object(n)
	case t == tagSet && n.Kind == yaml.MappingNode:
		return c.set(n)
	case t == tagList && n.Kind == yaml.SequenceNode:
		return c.list(n)
	case t == tagOrdered && n.Kind == yaml.SequenceNode:
		return c.ordered(n)
	case t == tagPairs && n.Kind == yaml.SequenceNode:
		return c.pairs(n)
	}
	return nil, misfit(n, t)
}

// misfit is a node that its tag does not fit.
func misfit(n *yaml.Node, t tag) error {
	return &SyntaxError{Problem: fmt.Sprintf("could not construct a value of the tag '%s'", t), Line: n.Line}
}

func (c *constructor) list(n *yaml.Node) (any, error) {
	list := []any{}
	for _, child := range n.Content {
		v, err := c.value(child)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (c *constructor) object(n *yaml.Node) (any, error) {
	members, err := c.flatten(n)
	if err != nil {
		return nil, err
	}
	m, seen := &document.Map{}, map[string]bool{}
	for _, pair := range members.pairs {
		key, err := c.key(pair[0])
		if err != nil {
			return nil, err
		}
		id := keyID(key)
		if seen[id] && !members.merged {
			return nil, &SyntaxError{Problem: fmt.Sprintf(`found duplicate key "%s"`, document.Str(key)), Line: pair[0].Line}
		}
		seen[id] = true
		v, err := c.value(pair[1])
		if err != nil {
			return nil, err
		}
		m.SetKey(key, v)
	}
	return m, nil
}

// keyID is the same for keys that are equal in Python, where 1, 1.0 and True are.
func keyID(key any) string {
	switch key := key.(type) {
	case bool:
		if key {
			return "1"
		}
		return "0"
	case float64:
		return strings.TrimSuffix(document.Repr(key), ".0")
	}
	return document.Repr(key)
}

// key makes a key, which cannot be an object; a list is a tuple in Python.
func (c *constructor) key(n *yaml.Node) (any, error) {
	if n.Kind == yaml.ScalarNode && tagOf(n) == tagValue {
		return n.Value, nil // "=" means nothing as a key
	}
	v, err := c.value(n)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *document.Map:
		return nil, &SyntaxError{Problem: "found unhashable key", Line: n.Line}
	case []any:
		for _, item := range v {
			if !isScalar(item) {
				return nil, ValueError(fmt.Sprintf("unhashable type: '%s'", document.Type(item)))
			}
		}
		return tuple(v), nil
	}
	return v, nil
}

func isScalar(v any) bool {
	switch v.(type) {
	case []any, *document.Map:
		return false
	}
	return true
}

// flatten returns the members of an object: first those of the objects that are merged into it, then its own. The result
// is known before it is complete, for an object can be merged into itself.
func (c *constructor) flatten(n *yaml.Node) (*entries, error) {
	if known := c.flat[n]; known != nil {
		return known, nil
	}
	e := &entries{}
	c.flat[n] = e
	var own, merged [][2]*yaml.Node
	for pair := range slices.Chunk(n.Content, 2) {
		if pair[0].Kind != yaml.ScalarNode || tagOf(pair[0]) != tagMerge {
			own = append(own, [2]*yaml.Node(pair))
			continue
		}
		if len(merged) > 0 {
			return nil, &SyntaxError{Problem: `found duplicate key "<<"`, Line: pair[0].Line}
		}
		var err error
		if merged, err = c.merge(pair[1]); err != nil {
			return nil, err
		}
	}
	e.merged = len(merged) > 0
	e.pairs = slices.Concat(merged, own)
	return e, nil
}

// merge returns the members of an object, or of a list of them, of which the first has the last word.
func (c *constructor) merge(n *yaml.Node) ([][2]*yaml.Node, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		e, err := c.flatten(n)
		if err != nil {
			return nil, err
		}
		return e.pairs, nil
	case yaml.SequenceNode:
		var all [][2]*yaml.Node
		for _, child := range slices.Backward(n.Content) {
			if kindOf(child) != yaml.MappingNode {
				return nil, &SyntaxError{Problem: "expected a mapping for merging", Line: child.Line}
			}
			pairs, err := c.merge(child)
			if err != nil {
				return nil, err
			}
			all = append(all, pairs...)
		}
		return all, nil
	}
	return nil, &SyntaxError{Problem: "expected a mapping or list of mappings for merging", Line: n.Line}
}

func kindOf(n *yaml.Node) yaml.Kind {
	if n.Kind == yaml.AliasNode {
		return n.Alias.Kind
	}
	return n.Kind
}

// ordered makes an object of a list of objects with one member each.
func (c *constructor) ordered(n *yaml.Node) (any, error) {
	m := &document.Map{}
	err := c.eachPair(n, func(k, v any) { m.SetKey(k, v) })
	return m, err
}

func (c *constructor) pairs(n *yaml.Node) (any, error) {
	list := []any{}
	err := c.eachPair(n, func(k, v any) { list = append(list, tuple([]any{k, v})) })
	return list, err
}

func (c *constructor) eachPair(n *yaml.Node, yield func(k, v any)) error {
	for _, child := range n.Content {
		if kindOf(child) != yaml.MappingNode || len(child.Content) != 2 {
			return &SyntaxError{Problem: "expected a mapping of length 1", Line: child.Line}
		}
		k, err := c.key(child.Content[0])
		if err != nil {
			return err
		}
		v, err := c.value(child.Content[1])
		if err != nil {
			return err
		}
		yield(k, v)
	}
	return nil
}

func (c *constructor) set(n *yaml.Node) (any, error) {
	v, err := c.object(n)
	if err != nil {
		return nil, err
	}
	m := v.(*document.Map)
	items := make([]string, 0, m.Len())
	for _, k := range m.Keys() {
		items = append(items, document.Repr(m.Key(k)))
	}
	text := "{" + strings.Join(items, ", ") + "}"
	if m.Len() == 0 {
		text = "set()"
	}
	return document.Foreign{Class: "set", Repr: text, Text: text}, nil
}

func tuple(items []any) document.Foreign {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = document.Repr(item)
	}
	text := "(" + strings.Join(texts, ", ") + ")"
	if len(items) == 1 {
		text = "(" + texts[0] + ",)"
	}
	return document.Foreign{Class: "tuple", Repr: text, Text: text}
}
