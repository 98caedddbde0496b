package help_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"slices"
	"testing"

	"apron/api"
	"apron/cli/help"
	"apron/cli/model"
)

func service(t *testing.T) *model.Service {
	t.Helper()
	s, err := model.Read("apprunner", api.Model)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pages makes every page of the API, by the arguments that show it.
func pages(t *testing.T) map[string]*help.Page {
	s := service(t)
	all := map[string]*help.Page{"help": help.Provider(), "apprunner help": help.Service(s)}
	for _, op := range s.Operations {
		all["apprunner "+op.CLIName+" help"] = help.Operation(s, op, short)
	}
	return all
}

func short(string, *model.Shape) string { return "" }

// TestPages_AreLaidOutAsThoseOfAWS gives each page of ours and of AWS's CLI to the same reader: the headings, the names
// and the synopsis line by line, the options, the commands, and the syntax of each option's JSON.
func TestPages_AreLaidOutAsThoseOfAWS(t *testing.T) { compare(t, "../../api/model.json", pages(t)) }

// TestPages_HaveEveryShapeAsThoseOfAWS does so for an API that has what App Runner's has not: lists of lists, maps of
// structures, numbers and times, and an operation that takes and gives nothing.
func TestPages_HaveEveryShapeAsThoseOfAWS(t *testing.T) {
	const file = "testdata/shapes.json"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := model.Read("apprunner", text)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*help.Page{"apprunner help": help.Service(s)}
	for _, op := range s.Operations {
		op.Doc = "Prose."
		all["apprunner "+op.CLIName+" help"] = help.Operation(s, op, short)
	}
	compare(t, file, all)
}

func compare(t *testing.T, model string, pages map[string]*help.Page) {
	const awscli = "/usr/lib/python3/dist-packages/awscli"
	for path, pkg := range map[string]string{awscli: "awscli", "/usr/bin/groff": "groff"} {
		if _, err := os.Stat(path); err != nil {
			t.Skipf("SKIP: %v; install it with apt-get install %s", err, pkg)
		}
	}
	ours := map[string]string{}
	for name, p := range pages {
		ours[name] = p.Text(80, false)
	}
	theirs := ask(t, model, ours)
	for name, page := range ours {
		got, want := layout(page), layout(theirs[name])
		got = slices.DeleteFunc(got, func(line string) bool { return name == "help" && line == "       o apron" })
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s", name, difference(got, want))
		}
	}
}

// ask returns AWS's page for every one of ours.
func ask(t *testing.T, model string, ours map[string]string) (theirs map[string]string) {
	t.Helper()
	names, err := json.Marshal(slices.Sorted(maps.Keys(ours)))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "testdata/pages.py", model, t.TempDir())
	cmd.Stdin, cmd.Stderr = bytes.NewReader(names), os.Stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &theirs)
	}
	if err != nil {
		t.Fatal(err)
	}
	return theirs
}
