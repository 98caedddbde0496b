// Package complete says how a command line that is being typed may go on: services, operations, options that were not
// given yet, the values that a model or AWS's CLI knows, file names after file://, and the resources of the server that an
// option names. It is built from the models of package model and from nothing else that knows the API, but for the
// table of which list holds which resource. The interactive prompt and the completion of shells both ask it. It never
// fails: where it cannot know, it suggests nothing.
package complete

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"apron/cli/document"
	"apron/cli/globals"
	"apron/cli/model"
	"apron/cli/shlex"
)

// Suggestion is one way in which the last word of a line may be completed.
type Suggestion struct {
	Text     string // replaces the line from Start to its end, quoted where that is needed
	Start    int    // a byte offset
	Word     string // the whole word that Text makes, without quotes
	Display  string // for a menu, where Word says more than a reader needs; else empty
	Type     string // of an option's value, as help calls it: string, list, boolean
	Doc      string // one sentence, or empty
	Required bool   // an option that the operation cannot do without
}

// Label is what a menu shows, and what is matched against what was typed.
func (s Suggestion) Label() string { return cmp.Or(s.Display, s.Word) }

// Call asks the server for one action. The options are the global ones of the line, without dashes, so that the
// question goes where the command would.
type Call func(ctx context.Context, options map[string]string, action string, input *document.Map) (*document.Map, error)

// Completer completes the lines of one program. Its fields are set once; it is safe for concurrent use.
type Completer struct {
	Services  []*model.Service
	Waiters   *model.Service             // what may stand behind the word wait of the service of that name; nil for nothing
	Match     Match                      // by prefix when nil
	Call      Call                       // nil suggests no resources
	Timeout   time.Duration              // for all that one line asks of the server; a second when zero
	Profiles  func() []string            // nil suggests none
	Regions   []string                   // those of App Runner when nil
	GlobalDoc func(option string) string // of an option that every command takes, by its name without dashes
	cache     map[string][]Suggestion    // the resources seen, by the line before the word
	mu        sync.Mutex                 // of cache
}

// Complete returns what may stand in place of the last word of line, which begins after the program's name and ends at
// the cursor. The context bounds what the server is asked.
func (c *Completer) Complete(ctx context.Context, line string) []Suggestion {
	l := c.parse(line)
	if l.unknown {
		return nil
	}
	found := c.match(l.prefix(), c.candidates(ctx, l))
	if s, whole := l.whole(found); whole {
		found = []Suggestion{s}
	}
	found = append(found, l.closings()...)
	for i := range found {
		s := &found[i]
		s.Start = l.start
		s.Text = quote(s.Word, l.quote)
	}
	return found
}

// Path returns the service and the operation that line names, as far as it does: apprunner, pause-service.
func (c *Completer) Path(line string) []string {
	l := c.parse(line + " ")
	var path []string
	if l.service != nil {
		path = append(path, l.service.Name)
	}
	if l.operation != nil {
		path = append(path, l.operation.CLIName)
	}
	return path
}

func (c *Completer) match(typed string, all []Suggestion) []Suggestion {
	if c.Match == nil {
		return Prefix(typed, all)
	}
	return c.Match(typed, all)
}

// candidates are all that could stand where the cursor is. Those of nested values keep only what fits, as they know
// which part of the word is being typed.
func (c *Completer) candidates(ctx context.Context, l *line) []Suggestion {
	switch {
	case l.option != nil:
		return c.values(ctx, l)
	case strings.HasPrefix(l.word, "--") || l.operation != nil:
		return c.options(l)
	case l.service != nil && c.waits(l.service):
		return append(operations(l.service), Suggestion{Word: waitWord, Doc: "Wait until a service is in a state, or an operation has succeeded"})
	case l.service != nil:
		return operations(l.service)
	}
	return c.services()
}

func (c *Completer) services() (all []Suggestion) {
	for _, s := range c.Services {
		all = append(all, Suggestion{Word: s.Name, Doc: s.FullName})
	}
	slices.SortFunc(all, func(a, b Suggestion) int { return cmp.Compare(a.Word, b.Word) })
	return all
}

const waitWord = "wait"

// waits says whether the word wait may stand behind a service.
func (c *Completer) waits(s *model.Service) bool {
	return c.Waiters != nil && s != c.Waiters && s.Name == c.Waiters.Name
}

func operations(s *model.Service) (all []Suggestion) {
	for _, o := range s.Operations {
		all = append(all, Suggestion{Word: o.CLIName, Doc: plain(o.Doc)})
	}
	return all
}

// options are those of the operation, as the model orders them, then those of every command; each but what was given.
func (c *Completer) options(l *line) (all []Suggestion) {
	for _, o := range slices.Concat(operationOptions(l.operation), c.globalOptions()) {
		if _, given := l.given[o.name]; given {
			continue
		}
		all = append(all, Suggestion{Word: "--" + o.name, Type: o.kind, Doc: o.doc, Required: o.required})
	}
	return all
}

func (c *Completer) globalOptions() (all []*option) {
	for _, g := range globals.Options() {
		o := &option{name: g.Name, kind: g.Type, choices: g.Choices, global: true, flag: !g.TakesValue()}
		if c.GlobalDoc != nil {
			o.doc = plain(c.GlobalDoc(g.Name))
		}
		all = append(all, o)
	}
	return all
}

// quote returns word as it is typed: within the quote that was opened already, which stays open, or in quotes of its
// own if it would be more than one word without.
func quote(word, open string) string {
	switch {
	case open != "" && !strings.Contains(word, open):
		return open + word
	case !strings.ContainsAny(word, " \t'\"\\"):
		return word
	}
	return shlex.Quote(word)
}
