package yaml

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// SyntaxError is a text that is no YAML, holds more than one document, or gives a value a tag that does not fit it. The
// AWS CLI says no more of it than "Invalid YAML received."
type SyntaxError struct {
	Problem string
	Line    int // from 1, or 0 where it is not known
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.Problem
	}
	return fmt.Sprintf("%s in line %d", e.Problem, e.Line)
}

// ValueError is a text that is YAML and has a value that Python cannot make, such as the 31st of February. The AWS CLI
// fails with its text, in Python's words, alone.
type ValueError string

func (e ValueError) Error() string { return string(e) }

const (
	// maxDepth is where ruamel.yaml gives up within the AWS CLI: Python allows 1,000 calls within each other.
	maxDepth = 485
	// maxValues is what a document may grow to when each alias is taken for what it names.
	maxValues = 1 << 20
)

// Parse reads the only document of text by the rules of YAML 1.2 as ruamel.yaml has them: no and on are strings, dates
// are dates (see document.Foreign), 0o17 is 15, and a key may not be there twice. What an alias names is the same list or
// object again, not a copy of it. An empty text is nil. Every error is a *SyntaxError or a ValueError.
func Parse(text string) (any, error) {
	text, err := prepare(text)
	if err != nil {
		return nil, err
	}
	node, err := compose(text)
	if err != nil {
		return nil, err
	}
	if err := checkTabs(text, node); err != nil || node == nil {
		return nil, err
	}
	if err := checkSize(node); err != nil {
		return nil, err
	}
	c := constructor{made: map[*yaml.Node]any{}, flat: map[*yaml.Node]*entries{}}
	return c.value(node)
}

// compose returns the root of the only document, or nil when there is none.
func compose(text string) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, &SyntaxError{Problem: err.Error()}
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, &SyntaxError{Problem: "expected a single document in the stream, but found another document", Line: second.Line}
	case !errors.Is(err, io.EOF):
		return nil, &SyntaxError{Problem: err.Error()}
	}
	return document.Content[0], nil
}

// checkSize refuses documents that are too deep, hold themselves, or grow too large by aliases.
func checkSize(root *yaml.Node) error {
	m := measure{sizes: map[*yaml.Node]int{}}
	size, err := m.size(root, 0)
	if err == nil && size > maxValues {
		err = ValueError(fmt.Sprintf("the document's aliases make it grow beyond %d values; write fewer of them", maxValues))
	}
	return err
}

type measure struct{ sizes map[*yaml.Node]int }

const measuring = -1

func (m *measure) size(n *yaml.Node, depth int) (int, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if size, ok := m.sizes[n]; ok && size != measuring {
		return size, nil
	} else if ok || depth > maxDepth {
		return 0, ValueError("maximum recursion depth exceeded")
	}
	m.sizes[n] = measuring
	total := 1
	for _, child := range n.Content {
		size, err := m.size(child, depth+1)
		if err != nil {
			return 0, err
		}
		total = min(total+size, maxValues+1)
	}
	m.sizes[n] = total
	return total, nil
}
