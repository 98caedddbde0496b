package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// model is api/model.json: the App Runner API's operations and shapes.
type model struct {
	Operations map[string]operation `json:"operations"`
	Shapes     map[string]*shape    `json:"shapes"`
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

func readModel(path string) (*model, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var m model
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &m, m.check()
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
