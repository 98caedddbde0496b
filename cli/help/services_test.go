package help_test

import (
	"slices"
	"testing"

	"apron/cli/help"
)

func TestServices_NamesEachOnce(t *testing.T) {
	names := help.Services()
	if len(names) < 300 || !slices.Contains(names, "apprunner") || names[len(names)-1] != "help" {
		t.Fatalf("%d names, to %s", len(names), names[len(names)-1])
	}
	slices.Sort(names)
	if n := len(slices.Compact(slices.Clone(names))); n != len(names) {
		t.Errorf("%d of %d names are there twice", len(names)-n, len(names))
	}
}
