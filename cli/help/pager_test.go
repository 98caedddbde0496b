package help_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"apron/cli/help"
)

// show returns what Show writes with that environment.
func show(terminal bool, env map[string]string) (string, error) {
	var out bytes.Buffer
	err := help.Show(help.Topic("topics"), help.Screen{
		Stdout: &out, Stderr: &out, Terminal: terminal,
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	return out.String(), err
}

func TestShow_HandsThePageToThePager(t *testing.T) {
	path := os.Getenv("PATH")
	plain, bold := help.Topic("topics").Text(80, false), help.Topic("topics").Text(80, true)
	if !strings.Contains(bold, "\nN\bNA\bAM\bME\bE\n") || strings.Contains(plain, "\b") {
		t.Fatal("bold is not overstruck, or plain is")
	}
	for name, c := range map[string]struct {
		terminal bool
		env      map[string]string
		want     string
	}{
		"through a pipe":               {false, map[string]string{"PATH": path}, plain},
		"to a terminal":                {true, map[string]string{"PATH": path, "PAGER": "cat"}, bold},
		"MANPAGER before PAGER":        {true, map[string]string{"PATH": path, "MANPAGER": "sed -n 5p", "PAGER": "cat"}, "N\bNA\bAM\bME\bE\n"},
		"a chosen pager into a pipe":   {false, map[string]string{"PATH": path, "PAGER": "sed -n '6 p'"}, "       AWS CLI Topic Guide -\n"},
		"a pager that is not there":    {true, map[string]string{"PATH": path, "PAGER": "no-such-pager -x"}, bold + "\n"},
		"no PATH, so no pager":         {true, nil, bold + "\n"},
		"a pager that fails":           {true, map[string]string{"PATH": path, "PAGER": "false"}, ""},
		"a pager by its absolute path": {true, map[string]string{"PATH": path, "PAGER": "/bin/cat"}, bold},
	} {
		if got, err := show(c.terminal, c.env); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestShow_SaysWhyThereIsNoPager(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "locked"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for pager, want := range map[string]string{
		"":         "list index out of range",
		`less "`:   "No closing quotation",
		"locked":   "[Errno 13] Permission denied: 'locked'",
		"\\":       "No escaped character",
		"locked x": "[Errno 13] Permission denied: 'locked'",
	} {
		if got, err := show(true, map[string]string{"PATH": dir, "PAGER": pager}); err == nil || err.Error() != want || got != "" {
			t.Errorf("PAGER=%s: %v, and printed %q", pager, err, got)
		}
	}
}
