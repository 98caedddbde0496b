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
		for i := range 3000 {
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
	if _, err := param.Request(document.NewMap("A", document.Bytes("é")), s); err == nil {
		t.Error("bytes went into a request")
	}
}

func TestRequest_AgreesOnGeneratedParameters(t *testing.T) {
	_, tops := shapes(t, false)
	seeded(t, func(t *testing.T, g generator) {
		var questions []question
		for i := range 3000 {
			s := tops[i%len(tops)]
			params := g.structure(timeless(s.Shape), 0).(*document.Map)
			body, err := param.Request(params, s.Shape)
			questions = append(questions, question{Kind: "request", Model: s.model, Shape: s.Name, Value: plain{params}, Go: shown(body, err)})
		}
		compare(t, questions)
	})
}
