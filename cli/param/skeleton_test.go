package param_test

import (
	"strings"
	"testing"

	"apron/cli/document"
	"apron/cli/model"
	"apron/cli/param"
)

func TestSkeleton_AgreesOnEveryOperation(t *testing.T) {
	_, inputs := shapes(t, false)
	_, outputs := shapes(t, true)
	var questions []question
	for _, s := range append(inputs, outputs...) {
		for kind, text := range map[string]string{
			"input":      strings.ReplaceAll(param.SkeletonJSON(s.Shape), `"moment"`, `""`),
			"yaml-input": param.SkeletonYAML(s.Shape, nil),
			"output":     document.JSON(param.OutputSkeleton(s.Shape), 0, true),
		} {
			if kind != "output" && holdsTime(s.Shape, map[*model.Shape]bool{}) {
				continue // inputs have none
			}
			questions = append(questions, question{Kind: "skeleton", Model: s.model, Shape: s.Name, Value: kind, Go: text})
		}
	}
	compare(t, questions)
}

func holdsTime(s *model.Shape, seen map[*model.Shape]bool) bool {
	if s == nil || seen[s] {
		return false
	}
	seen[s] = true
	if s.Type == "timestamp" || holdsTime(s.Elem, seen) {
		return true
	}
	for _, m := range s.Members {
		if holdsTime(m.Shape, seen) {
			return true
		}
	}
	return false
}

func TestSkeletonYAML_SaysWhatItIsTold(t *testing.T) {
	s := &model.Shape{Type: "structure", Required: []string{"A"}, Members: []model.Member{
		{Name: "A", Doc: "First.", Shape: &model.Shape{Type: "string", Enum: []string{"X", "Y"}}},
		{Name: "B", Shape: &model.Shape{Type: "boolean", Doc: "Second."}},
	}}
	if got, want := param.SkeletonYAML(s, nil), "A: X  # [REQUIRED] First. Valid values are: X, Y.\nB: true # Second.\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	own := func(in *model.Shape, m model.Member) string { return m.Name + "!" }
	if got, want := param.SkeletonYAML(s, own), "A: X  # [REQUIRED] A! Valid values are: X, Y.\nB: true # B!\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
