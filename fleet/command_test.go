package fleet_test

import (
	"slices"
	"testing"

	"apron/fleet"
)

func TestCommand(t *testing.T) {
	env := []string{"PORT=8000", "GREETING=good day"}
	for name, c := range map[string]struct {
		line string
		want []string // nil: refused
	}{
		"plain words":                 {"python -m http.server", []string{"python", "-m", "http.server"}},
		"quotes group":                {`sh -c 'echo "a b" && exec x'`, []string{"sh", "-c", `echo "a b" && exec x`}},
		"variables":                   {"serve --port $PORT --port=${PORT}", []string{"serve", "--port", "8000", "--port=8000"}},
		"a quoted value stays whole":  {`say "$GREETING"`, []string{"say", "good day"}},
		"single quotes keep dollars":  {`sh -c 'exec app $PORT'`, []string{"sh", "-c", "exec app $PORT"}},
		"unknown variables":           {"app x$NONE", []string{"app", "x"}},
		"no tilde of ours":            {"app 'a*'", []string{"app", "a*"}},
		"needs a shell: and":          {"a && b", nil},
		"needs a shell: pipe":         {"a | b", nil},
		"needs a shell: substitution": {"a $(b)", nil},
		"open quote":                  {"a 'b", nil},
		"blank":                       {"  ", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := fleet.Command(c.line, env)
			if (err != nil) != (c.want == nil) || !slices.Equal(got, c.want) {
				t.Errorf("Command(%q) = %q, %v; want %q", c.line, got, err, c.want)
			}
		})
	}
}
