package help_test

import (
	"strings"
	"testing"

	"apron/cli/help"
	"apron/cli/model"
)

// TestOperation_EndsWhereAShapeHoldsItself: the pages of AWS's CLI run words together here, so that there is nothing to
// compare with.
func TestOperation_EndsWhereAShapeHoldsItself(t *testing.T) {
	s, err := model.Read("trees", []byte(`{"operations": {"Plant": {"input": "Ground", "output": "Ground", "documentation": "Plants."}}, "shapes": {
		"Ground": {"type": "structure", "members": {"Tree": {"shape": "Tree", "documentation": "The tree."}}},
		"Tree": {"type": "structure", "members": {"Left": {"shape": "Tree"}, "Age": {"shape": "Age"}}}, "Age": {"type": "integer"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	text := help.Operation(s, s.Operations[0], short).Text(80, false)
	for _, want := range []string{`
       --tree (structure)
          The tree.

          Left -> (structure)
              ( ... recursive ... )

              Age -> (integer)

          Age -> (integer)

       JSON Syntax:

          {
            "Left": {
              "Left": { ... recursive ... },
              "Age": integer
            },
            "Age": integer
          }
`, "\nDESCRIPTION\n       Plants.\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
}

func TestOperation_AsksForTheShortForm(t *testing.T) {
	s := service(t)
	text := help.Operation(s, s.Operation("tag-resource"), func(name string, shape *model.Shape) string {
		return "short form of " + name + ", a " + shape.Type
	}).Text(80, false)
	if want := "\n       Shorthand Syntax:\n\n          short form of Tags, a list\n\n       JSON Syntax:\n"; !strings.Contains(text, want) {
		t.Errorf("%s is not in\n%s", want, text)
	}
}
