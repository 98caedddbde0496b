package help_test

import (
	"strings"
	"testing"

	"apron/cli/help"
)

// TestOperation_EndsWhereAShapeHoldsItself: the pages of AWS's CLI run words together here, so that there is nothing to
// compare with.
func TestOperation_EndsWhereAShapeHoldsItself(t *testing.T) {
	s := read(t, "trees", []byte(`{"operations": {"Plant": {"input": "Ground", "output": "Ground", "documentation": "Plants."}}, "shapes": {
		"Ground": {"type": "structure", "members": {"Tree": {"shape": "Tree", "documentation": "The tree."}}},
		"Tree": {"type": "structure", "members": {"Left": {"shape": "Tree"}, "Age": {"shape": "Age"}}}, "Age": {"type": "integer"}}}`))
	text := help.Operation(s, s.Operations[0]).Text(80, false)
	for _, want := range []string{`
       --tree (structure)
          The tree.

          Left -> (structure)
              ( ... recursive ... )

              Age -> (integer)

          Age -> (integer)

       Shorthand Syntax:

          Left={( ... recursive ... ),Age=integer},Age=integer

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
