package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
)

// model is an API's operations and shapes: App Runner's, or those that apron adds.
type model struct {
	Metadata struct {
		TargetPrefix string `json:"targetPrefix"`
	} `json:"metadata"`
	Operations map[string]operation `json:"operations"`
	Shapes     map[string]*shape    `json:"shapes"`

	path       string // of its file
	title      string // what comments call it
	files      string // what the names of the files made from it begin with
	structures string // the variables that are made from it
	actions    string
	base       *model // whose shapes it may have too; nil if it stands alone
}

type operation struct {
	Input  string   `json:"input"`
	Output string   `json:"output"`
	Errors []string `json:"errors"`
}

type shape struct {
	Type      string   `json:"type"`
	Members   members  `json:"members"`
	Required  []string `json:"required"`
	Member    ref      `json:"member"`
	Key       ref      `json:"key"`
	Value     ref      `json:"value"`
	Min       *int     `json:"min"`
	Max       *int     `json:"max"`
	Pattern   string   `json:"pattern"`
	Enum      []string `json:"enum"`
	Sensitive bool     `json:"sensitive"`
	Exception bool     `json:"exception"`
}

type ref struct {
	Shape string `json:"shape"`
}

// members keeps the order of the file: it is the order of the Go fields and of the faults in an error.
type members []namedRef

type namedRef struct {
	name  string
	shape string
}

func (m *members) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var r ref
		if err := dec.Decode(&r); err != nil {
			return err
		}
		*m = append(*m, namedRef{name.(string), r.Shape})
	}
	return nil
}

func (m *model) read() error {
	b, err := os.ReadFile(m.path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, m); err != nil {
		return fmt.Errorf("%s: %w", m.path, err)
	}
	return m.check()
}

// check finds a reference to a shape that is not there before it turns into Go that does not compile.
func (m *model) check() error {
	for name, s := range m.Shapes {
		for _, r := range s.refs() {
			if m.Shapes[r] == nil {
				return fmt.Errorf("shape %s refers to %s, which the model lacks", name, r)
			}
		}
	}
	for name, op := range m.Operations {
		if m.Shapes[op.Input] == nil || m.Shapes[op.Output] == nil {
			return fmt.Errorf("operation %s: its input %q or output %q is no shape", name, op.Input, op.Output)
		}
	}
	return m.checkBase()
}

// checkBase holds what the model has from its base to what it is there: a client reads each file for itself, and package
// api has one type for both.
func (m *model) checkBase() error {
	if m.base == nil {
		return nil
	}
	for name := range m.Operations {
		if _, taken := m.base.Operations[name]; taken {
			return fmt.Errorf("%s: %s has an operation %s already", m.path, m.base.path, name)
		}
	}
	for name, s := range m.Shapes {
		if other := m.base.Shapes[name]; other != nil && !reflect.DeepEqual(s, other) {
			return fmt.Errorf("%s: shape %s is another than in %s; give one of its own another name", m.path, name, m.base.path)
		}
	}
	return nil
}

func (s *shape) refs() []string {
	var names []string
	for _, m := range s.Members {
		names = append(names, m.shape)
	}
	for _, r := range []ref{s.Member, s.Key, s.Value} {
		if r.Shape != "" {
			names = append(names, r.Shape)
		}
	}
	return names
}
