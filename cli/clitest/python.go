// Package clitest asks the AWS CLI's own classes what they make of an input, for the tests of the packages that must
// make the same of it. It needs Debian's awscli package, which `make test` installs, and no more of the machine.
package clitest

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// Python runs a script in Debian's python3, where the classes of the AWS CLI can be imported. The script finds input
// as JSON on its standard input; what it prints is read as JSON into answer.
func Python(t testing.TB, script string, input, answer any) {
	t.Helper()
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", script)
	cmd.Stdin = strings.NewReader(string(text))
	cmd.Env = append(cmd.Environ(), "PYTHONIOENCODING=utf-8:surrogatepass", "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.Output()
	if err != nil {
		message := ""
		if exit, ok := err.(*exec.ExitError); ok {
			message = string(exit.Stderr)
		}
		t.Fatalf("python3 with Debian's awscli: %v\n%s", err, message)
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatalf("%v in the answer of python3: %.200s", err, out)
	}
}
