// Package argparse reads command lines as AWS's CLI does, which leaves that to the argparse of Python 3.11: the same
// arguments are options and values, the same abbreviations are understood, and the errors have the same texts. It owns
// the rules of that one library as far as the AWS CLI meets them (names with two dashes, one positional or a few), and
// knows nothing of AWS: the command line builds a Parser for each level from what it has on offer.
package argparse

import (
	"slices"
	"strings"
)

// Action is what an argument does when it is given.
type Action int

const (
	Store      Action = iota // keep the value, or the values, behind it
	StoreTrue                // true, with no value
	StoreFalse               // false, with no value
	Version                  // end the parsing with ErrVersion, with no value
)

// NArgs is how many values an argument takes.
type NArgs int

const (
	One      NArgs = iota // exactly one: the value is itself
	Optional              // one or none: the value, or Const of an option, or Default of a positional
	Many                  // any number: a list
	Some                  // at least one: a list
)

// Type is what a value is turned into.
type Type int

const (
	String Type = iota
	Int         // as Python's int() reads it
)

// Argument is an option, whose name begins with two dashes, or a positional, whose name does not.
type Argument struct {
	Name    string
	Dest    string // its key in the result; "" is the name without dashes in front and with _ for the others
	Action  Action
	NArgs   NArgs
	Type    Type
	Const   any
	Default any      // the value when it is not given; a string goes through Type
	Choices []string // nil allows everything

	// Unlisted are choices beside Choices that no error names.
	Unlisted []string

	// Required makes it an error to leave out an option. Positionals are required unless they are Optional or Many.
	Required bool
}

// Option reports whether the argument is one, and no positional.
func (a *Argument) Option() bool { return strings.HasPrefix(a.Name, "--") }

func (a *Argument) dest() string {
	if a.Dest != "" {
		return a.Dest
	}
	return strings.ReplaceAll(strings.TrimLeft(a.Name, "-"), "-", "_")
}

// label is what errors call the argument.
func (a *Argument) label() string {
	if a.Option() {
		return a.Name
	}
	return a.dest()
}

func (a *Argument) required() bool {
	return a.Required || !a.Option() && (a.NArgs == One || a.NArgs == Some)
}

// takesValue reports whether an option may have a value behind it.
func (a *Argument) takesValue() bool { return a.Action == Store }

// Parser is one level of a command line. Its arguments may change until Parse is called. It is not safe for concurrent
// use while they do.
type Parser struct {
	Prog  string // what the program calls itself in errors
	Usage string // see Usage
	args  []*Argument
}

// Add adds an argument. An option takes the place of one that has the same name, at the end.
func (p *Parser) Add(a Argument) {
	if a.Option() {
		p.args = slices.DeleteFunc(p.args, func(old *Argument) bool { return old.Name == a.Name })
	}
	p.args = append(p.args, &a)
}

// Argument returns the argument of that name, to change its choices for example, or nil.
func (p *Parser) Argument(name string) *Argument {
	i := slices.IndexFunc(p.args, func(a *Argument) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return p.args[i]
}

// Default returns what the result has at dest when no argument of that destination is given, or nil.
func (p *Parser) Default(dest string) any {
	i := slices.IndexFunc(p.args, func(a *Argument) bool { return a.dest() == dest })
	if i < 0 {
		return nil
	}
	return p.args[i].Default
}
