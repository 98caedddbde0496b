package param_test

import (
	"strings"
	"testing"

	"apron/cli/document"
	"apron/cli/model"
	"apron/cli/param"
)

func TestValidate_AgreesOnGeneratedParameters(t *testing.T) {
	_, tops := shapes(t, false)
	seeded(t, func(t *testing.T, g generator) {
		var questions []question
		for i := range 1200 {
			s := tops[i%len(tops)]
			params := g.structure(timeless(s.Shape), 0).(*document.Map)
			q := question{Kind: "validate", Model: s.model, Shape: s.Name, Value: plain{params}}
			if err := param.Validate(params, s.Shape); err != nil {
				q.Go = strings.TrimPrefix(err.Error(), "Parameter validation failed:\n")
			}
			questions = append(questions, q)
		}
		compare(t, questions)
	})
}

// timeless is the shape without members that are moments of time, which no input has.
func timeless(s *model.Shape) *model.Shape {
	c := *s
	c.Members = nil
	for _, m := range s.Members {
		if m.Name != "T" && m.Name != "Lt" && m.Name != "Self" {
			c.Members = append(c.Members, m)
		}
	}
	return &c
}

func TestValidate_ShowsBytes(t *testing.T) {
	s := &model.Shape{Type: "structure", Members: []model.Member{{Name: "A", Shape: &model.Shape{Type: "string"}}}}
	err := param.Validate(document.NewMap("A", document.Bytes("é'")), s)
	const want = "Parameter validation failed:\nInvalid type for parameter A, value: b\"\\xc3\\xa9'\", type: <class 'bytes'>, valid types: <class 'str'>"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRequest_RefusesWhatJSONLacks(t *testing.T) {
	text := &model.Shape{Type: "string"}
	s := &model.Shape{Type: "structure", Members: []model.Member{{Name: "A", Shape: text}, {Name: "L", Shape: &model.Shape{Type: "list", Elem: text}}}}
	for class, params := range map[string]*document.Map{
		"bytes": document.NewMap("A", "a", "L", []any{"b", document.Bytes("é")}),
		"date":  document.NewMap("A", document.Foreign{Class: "datetime.date", Text: "2024-01-31"}),
		"set":   document.NewMap("L", []any{document.Foreign{Class: "set"}}),
	} {
		_, err := param.Request(params, s)
		if err == nil || err.Error() != "Object of type "+class+" is not JSON serializable" {
			t.Errorf("%v gave %v", params, err)
		}
	}
}

// TestValidate_ShowsKeys has keys that only YAML can have.
func TestValidate_ShowsKeys(t *testing.T) {
	text := &model.Shape{Type: "string"}
	s := &model.Shape{Type: "structure", Members: []model.Member{{Name: "M", Shape: &model.Shape{Type: "map", Key: text, Elem: text}}}}
	m := &document.Map{}
	m.SetKey(int64(1), "a")
	err := param.Validate(document.NewMap("M", m), s)
	const want = "Parameter validation failed:\nInvalid type for parameter M (key: 1), value: 1, type: <class 'int'>, valid types: <class 'str'>"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRequest_AgreesOnGeneratedParameters(t *testing.T) {
	_, tops := shapes(t, false)
	seeded(t, func(t *testing.T, g generator) {
		var questions []question
		for i := range 1200 {
			s := tops[i%len(tops)]
			params := g.structure(timeless(s.Shape), 0).(*document.Map)
			body, err := param.Request(params, s.Shape)
			questions = append(questions, question{Kind: "request", Model: s.model, Shape: s.Name, Value: plain{params}, Go: shown(body, err)})
		}
		compare(t, questions)
	})
}
