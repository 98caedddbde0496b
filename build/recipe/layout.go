package recipe

import (
	"slices"
	"strings"
	"unicode"

	"apron/spelling"
)

// layout is what each map of an apprunner.yaml may hold, in the order of App Runner's reference. A name that ends in []
// is an entry of a list.
var layout = map[string][]entry{
	"": {
		{"version", "Write `version: 1.0`."},
		{"runtime", "Name the managed runtime to build on, such as `runtime: python311`."},
		{"build", "Add `build:` and in it `commands:` with what builds the program."},
		{"run", "Add `run:` and in it `command:` with what starts the program."},
	},
	"build": {
		{"commands", "Add `commands:` and in it `build:` with what builds the program."},
		{"env", ""},
	},
	"build.commands": {
		{"pre-build", ""},
		{"build", "List what builds the program, or write `build: []` when there is nothing to build."},
		{"post-build", ""},
	},
	"run": {
		{"runtime-version", ""},
		{"pre-run", ""},
		{"command", "Write what starts the program, such as `command: python3 app.py`."},
		{"network", ""},
		{"env", ""},
		{"secrets", ""},
	},
	"run.network":   {{"port", ""}, {"env", ""}},
	"build.env[]":   variableKeys,
	"run.env[]":     variableKeys,
	"run.secrets[]": {{"name", "Write `name: ` and the variable's name."}, {"value-from", "Write `value-from: ` and the ARN of a secret, or the ARN or name of an SSM parameter."}},
}

var variableKeys = []entry{
	{"name", "Write `name: ` and the variable's name."},
	{"value", "Write `value: ` and the variable's value; `\"\"` is an empty one."},
}

type entry struct {
	name    string
	missing string // what to write where a required key is missing; "" for an optional one
}

func names(entries []entry) []string {
	var list []string
	for _, e := range entries {
		list = append(list, e.name)
	}
	return list
}

// hint says what somebody may have meant who wrote that key into the map in.
func hint(in, key string) string {
	if meant := near(key, names(layout[in])); meant != "" {
		return "Did you mean " + meant + "?"
	}
	var places []string
	for place, entries := range layout {
		if place != "" && !strings.HasSuffix(place, "[]") && slices.Contains(names(entries), key) {
			places = append(places, place)
		}
	}
	slices.Sort(places)
	switch {
	case len(places) > 0:
		return "It belongs in " + strings.Join(places, " or ") + "."
	case slices.Contains(names(layout[""]), key):
		return "It belongs at the top of the file, without indentation."
	}
	return "There can be " + sentence(names(layout[in])) + "."
}

// near is the name that somebody may have meant who wrote another, or "". The last one wins where several are as near:
// that is the newest of runtimes.
func near(text string, names []string) string {
	text = plain(text)
	best, found := 2, ""
	for _, name := range names {
		d := spelling.Distance(text, plain(name))
		if d <= best && d < len(name)/2 || d == 0 {
			best, found = d, name
		}
	}
	return found
}

// plain makes equal what only differs in how words are joined: preBuild, pre_build and pre-build.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_. ", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}
