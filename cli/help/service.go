package help

import (
	"slices"
	"strings"

	"apron/cli/globals"
	"apron/cli/model"
)

// Provider returns the page of the whole command line.
func Provider() *Page {
	c := read[common]("globals")
	synopsis := Section{Heading: "SYNOPSIS"}
	synopsis.add(Literal, 1, "aws [options] <command> <subcommand> [parameters]")
	synopsis.add(Paragraph, 0, c.Usage)
	services := Section{Heading: "AVAILABLE SERVICES"}
	services.items(listed()...)
	also := Section{Heading: "SEE ALSO"}
	also.items("aws help topics")
	return &Page{Name: "aws", Summary: strings.Join(c.Description, " "), Sections: []Section{
		section("NAME", "aws -"), section("DESCRIPTION", c.Description...), synopsis, globalOptions(c), services, also,
	}}
}

// listed returns the names that the page of the whole command line lists: by the alphabet, with apron's own, and
// without one that AWS renamed and takes for old scripts alone.
func listed() []string {
	names := slices.DeleteFunc(Services(), func(s string) bool { return s == "opsworkscm" })
	names = append(names, "apron")
	slices.Sort(names)
	return names
}

// Service returns the page of an API, which lists its operations.
func Service(s *model.Service) *Page {
	description := read[texts](s.Name).Description
	names := []string{"help"}
	for _, o := range s.Operations {
		names = append(names, o.CLIName)
	}
	slices.Sort(names)
	commands := Section{Heading: "AVAILABLE COMMANDS"}
	commands.items(names...)
	return &Page{Name: s.Name, Summary: strings.Join(description, " "), Sections: []Section{
		section("NAME", s.Name+" -"), section("DESCRIPTION", description...), commands,
	}}
}

// globalOptions describes the options that every command takes.
func globalOptions(c common) Section {
	s := Section{Heading: "GLOBAL OPTIONS"}
	for _, o := range globals.Options() {
		s.add(Term, 0, code(o.Flag())+" ("+o.Type+")")
		s.add(Paragraph, 0, c.Globals[o.Name])
		s.items(o.Choices...)
	}
	return s
}

func globalSynopsis(o globals.Option) string {
	if o.Type == "boolean" {
		return "[" + o.Flag() + "]"
	}
	return "[" + o.Flag() + " <value>]"
}
