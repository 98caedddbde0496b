package build_test

import (
	"slices"
	"testing"

	"apron/build"
)

func TestCommand_LetsTheShellMakeWayWhereItCan(t *testing.T) {
	for name, c := range map[string]struct{ line, want string }{
		"a program":                    {"python3 app.py", "exec python3 app.py"},
		"blanks around":                {"  ./server \n", "exec ./server"},
		"variables as arguments":       {"gunicorn -b :$PORT app:app", "exec gunicorn -b :$PORT app:app"},
		"quotes and dollars stay":      {`node -e 'console.log("$HOME")' "$PORT"`, `exec node -e 'console.log("$HOME")' "$PORT"`},
		"the last of a list":           {"cd web && npm start", "cd web && exec npm start"},
		"after a semicolon":            {"mkdir -p tmp; ./server", "mkdir -p tmp; exec ./server"},
		"on a line of its own":         {"./migrate\n./server", "./migrate\nexec ./server"},
		"the last resort":              {"./fast || ./slow", "./fast || exec ./slow"},
		"behind non-ASCII letters":     {"echo ü && ./server", "echo ü && exec ./server"},
		"redirected":                   {"./server >/dev/null 2>&1", "exec ./server >/dev/null 2>&1"},
		"redirected first":             {">/dev/null ./server", ">/dev/null exec ./server"},
		"a pipe needs the shell":       {"./server | tee log", "./server | tee log"},
		"variables set for it":         {"MODE=fast ./server", "MODE=fast ./server"},
		"in the background":            {"./worker & ./server &", "./worker & ./server &"},
		"a builtin":                    {"wait", "wait"},
		"exec already":                 {"exec ./server", "exec ./server"},
		"a program behind a variable":  {"$SERVER --fast", "$SERVER --fast"},
		"a group":                      {"( cd web; ./server )", "( cd web; ./server )"},
		"a condition":                  {"if true; then ./a; fi", "if true; then ./a; fi"},
		"negated":                      {"! ./server", "! ./server"},
		"what the shell has to refuse": {"echo 'open", "echo 'open"},
		"a comment at the end":         {"./server # the one", "exec ./server # the one"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, want := build.Command(c.line), []string{"/bin/sh", "-c", c.want}; !slices.Equal(got, want) {
				t.Errorf("Command(%q) = %q, want %q", c.line, got, want)
			}
		})
	}
}
