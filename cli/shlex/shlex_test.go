package shlex_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"apron/cli/shlex"
)

var lines = []string{
	"", " ", "a", " a  b\tc\nd ", "'a b'c", `"a b" c`, `''`, `"" ''`, `a\ b`, `"a\"b"`, `"a\b\\"`, `'a\'`, `a\`, `"a`, `'a`, `"a\`, `less -R`, `#no comment`, `a#b`,
	`pause-service --query 'Service.{A:ServiceArn}' --output "text"`, `é "ключ 値"`, `it\'s`, `a;b|c`, `\`, `""a`, `a"b"'c'd`, "a\x00b", `~ $HOME *`, "\"a\nb\"",
}

// TestSplit_AgreesWithPython asks Python about each line, and has it quote each.
func TestSplit_AgreesWithPython(t *testing.T) {
	const ask = `
import json, shlex, sys
out = []
for line in json.load(sys.stdin):
    try:
        words = shlex.split(line)
    except ValueError as e:
        words = [str(e)]
    out.append(words + [shlex.quote(line)])
print(json.dumps(out))`
	in, err := json.Marshal(lines)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-c", ask)
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3, which the aws CLI needs too: %v", err)
	}
	var want [][]string
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		words, err := shlex.Split(line)
		if err != nil {
			words = []string{err.Error()}
		}
		if got := append(words, shlex.Quote(line)); !slices.Equal(got, want[i]) {
			t.Errorf("%q:\n got %q\nwant %q", line, got, want[i])
		}
	}
}
