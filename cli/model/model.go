// Package model is what the models of both APIs say, for the command line: their operations, and their shapes with the
// members in the order of the files. It reads a model in the form in which AWS publishes its own, and has those of
// package api read already, as tables that cost a start nothing. It says what the names of commands and options are. It
// knows nothing of arguments, requests or outputs.
package model

//go:generate go run ./generate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Service is a whole API.
type Service struct {
	Name         string // of its command: apprunner
	FullName     string // AWS App Runner
	SigningName  string
	TargetPrefix string // AppRunner, in X-Amz-Target: AppRunner.PauseService
	JSONVersion  string // 1.0
	Operations   []*Operation
}

// Operation is one action of an API.
type Operation struct {
	Name    string // PauseService
	CLIName string // pause-service
	Doc     string // one sentence, where the model has one
	Input   *Shape // a structure
	Output  *Shape // a structure
}

// Shape is one type of an API.
type Shape struct {
	Name      string
	Type      string // string, integer, boolean, timestamp, structure, list or map, as in the model
	Doc       string
	Members   []Member // of a structure
	Required  []string // of a structure
	Elem      *Shape   // of a list its elements, of a map its values
	Key       *Shape   // of a map
	Min, Max  *int64
	Pattern   string
	Enum      []string
	Sensitive bool
}

// Member is one member of a structure.
type Member struct {
	Name  string
	Doc   string
	Shape *Shape
}

// Operation returns the operation of that command name, or nil.
func (s *Service) Operation(cliName string) *Operation {
	i := slices.IndexFunc(s.Operations, func(o *Operation) bool { return o.CLIName == cliName })
	if i < 0 {
		return nil
	}
	return s.Operations[i]
}

// Member returns the member of that name, or nil.
func (s *Shape) Member(name string) *Shape {
	i := slices.IndexFunc(s.Members, func(m Member) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return s.Members[i].Shape
}

// IsRequired reports whether a structure needs the member of that name.
func (s *Shape) IsRequired(member string) bool { return slices.Contains(s.Required, member) }

// Read reads the model of the API whose command has that name. AppRunner and Apron are what it makes of the models that
// the program has.
func Read(name string, text []byte) (*Service, error) {
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("read the model of %s: %w", name, err)
	}
	r := reader{file: f, shapes: map[string]*Shape{}}
	s := &Service{
		Name:         name,
		FullName:     f.Metadata.ServiceFullName,
		SigningName:  f.Metadata.SigningName,
		TargetPrefix: f.Metadata.TargetPrefix,
		JSONVersion:  f.Metadata.JSONVersion,
	}
	for _, op := range slices.Sorted(maps.Keys(f.Operations)) {
		o := f.Operations[op]
		s.Operations = append(s.Operations, &Operation{
			Name: op, CLIName: Hyphenate(op), Doc: o.Documentation, Input: r.shape(o.Input), Output: r.shape(o.Output),
		})
	}
	return s, r.err
}

// file is the part of a model's JSON that the command line needs.
type file struct {
	Metadata struct {
		ServiceFullName, SigningName, TargetPrefix, JSONVersion string
	} `json:"metadata"`
	Operations map[string]struct {
		Input         string `json:"input"`
		Output        string `json:"output"`
		Documentation string `json:"documentation"`
	} `json:"operations"`
	Shapes map[string]*fileShape `json:"shapes"`
}

type fileShape struct {
	Type          string   `json:"type"`
	Documentation string   `json:"documentation"`
	Members       members  `json:"members"`
	Required      []string `json:"required"`
	Member        ref      `json:"member"`
	Key           ref      `json:"key"`
	Value         ref      `json:"value"`
	Min           *int64   `json:"min"`
	Max           *int64   `json:"max"`
	Pattern       string   `json:"pattern"`
	Enum          []string `json:"enum"`
	Sensitive     bool     `json:"sensitive"`
}

type ref struct {
	Shape         string `json:"shape"`
	Documentation string `json:"documentation"`
}

// members keeps the order of the file, which is the order of options and of output.
type members []struct {
	name string
	ref
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
		*m = append(*m, struct {
			name string
			ref
		}{name.(string), r})
	}
	return nil
}

// reader links shapes to each other, each once, so that one that holds itself ends.
type reader struct {
	file   file
	shapes map[string]*Shape
	err    error
}

func (r *reader) shape(name string) *Shape {
	if name == "" {
		return nil
	}
	if s := r.shapes[name]; s != nil {
		return s
	}
	s := &Shape{Name: name}
	r.shapes[name] = s
	f := r.file.Shapes[name]
	if f == nil {
		r.err = fmt.Errorf("the model refers to shape %s, which it lacks", name)
		return s
	}
	s.Type, s.Doc, s.Required, s.Sensitive = f.Type, f.Documentation, f.Required, f.Sensitive
	s.Min, s.Max, s.Pattern, s.Enum = f.Min, f.Max, f.Pattern, f.Enum
	s.Key, s.Elem = r.shape(f.Key.Shape), r.shape(f.Member.Shape+f.Value.Shape)
	for _, m := range f.Members {
		s.Members = append(s.Members, Member{Name: m.name, Doc: m.Documentation, Shape: r.shape(m.Shape)})
	}
	return s
}
