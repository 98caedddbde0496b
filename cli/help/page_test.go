package help_test

import (
	_ "embed"
	"maps"
	"os"
	"slices"
	"testing"

	"apron/api"
	"apron/cli/clitest"
	"apron/cli/help"
	"apron/cli/model"
)

func read(t *testing.T, name string, text []byte) *model.Service {
	t.Helper()
	s, err := model.Read(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pages makes every page of an API, by the arguments that show it.
func pages(s *model.Service) map[string]*help.Page {
	all := map[string]*help.Page{s.Name + " help": help.Service(s)}
	for _, op := range s.Operations {
		all[s.Name+" "+op.CLIName+" help"] = help.Operation(s, op)
	}
	return all
}

// TestPages_AreLaidOutAsThoseOfAWS gives each page of ours and of AWS's CLI to the same reader: the headings, the names
// and the synopsis line by line, the options, the members and commands, and the syntax of each option's value.
func TestPages_AreLaidOutAsThoseOfAWS(t *testing.T) {
	all := pages(read(t, "apprunner", api.Model))
	all["help"] = help.Provider()
	compare(t, "apprunner", api.Model, all)
}

func TestPages_OfOwnActionsAreLaidOutAsThoseOfAWS(t *testing.T) {
	compare(t, "apron", api.OwnModel, pages(read(t, "apron", api.OwnModel)))
}

// TestPages_HaveEveryShapeAsThoseOfAWS compares an API that has what these have not: lists of lists, maps of
// structures, numbers and times, and an operation that takes and gives nothing.
func TestPages_HaveEveryShapeAsThoseOfAWS(t *testing.T) {
	text, err := os.ReadFile("testdata/shapes.json")
	if err != nil {
		t.Fatal(err)
	}
	s := read(t, "shapes", text)
	for _, op := range s.Operations {
		op.Doc = "Prose."
	}
	compare(t, s.Name, text, pages(s))
}

//go:embed testdata/pages.py
var script string

func compare(t *testing.T, service string, model []byte, ours map[string]*help.Page) {
	t.Helper()
	if _, err := os.Stat("/usr/bin/groff"); err != nil {
		t.Skipf("SKIP: %v; install it with apt-get install groff", err)
	}
	theirs := map[string]string{}
	clitest.Python(t, script, map[string]any{
		"service": service, "model": string(model), "pages": slices.Sorted(maps.Keys(ours)),
	}, &theirs)
	for name, page := range ours {
		got, want := layout(page.Text(80, false)), layout(theirs[name])
		got = slices.DeleteFunc(got, func(line string) bool { return name == "help" && line == "       o apron" })
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s", name, difference(got, want))
		}
	}
}
