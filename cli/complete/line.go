package complete

import (
	"slices"
	"strings"

	"apron/cli/model"
)

// line is a command line read as far as it goes. Its last word is the one that is completed; after a space that is an
// empty one.
type line struct {
	service   *model.Service
	operation *model.Operation
	given     map[string][]string // the options before the last word, without dashes, and their values
	option    *option             // whose value the last word is
	word      string              // the last one, without quotes; of --option=value the value alone
	start     int                 // the offset at which it begins
	quote     string              // that was opened in it and not closed
	before    string              // all of the line ahead of the word
	unknown   bool                // some word before the last is neither a command nor an option
}

// prefix is the part of the last word that suggestions are matched against: two dashes ask for all options.
func (l *line) prefix() string {
	if l.option == nil && l.word == "--" {
		return ""
	}
	if l.option != nil {
		return l.option.tail(l.word)
	}
	return l.word
}

// whole returns the one of the suggestions that the last word already is, if it is a command or an option that no other
// continues. What else its letters would find is noise then.
func (l *line) whole(found []Suggestion) (whole Suggestion, ok bool) {
	if l.option != nil {
		return whole, false
	}
	for _, s := range found {
		switch {
		case s.Word == l.word:
			whole, ok = s, true
		case strings.HasPrefix(s.Word, l.word) && !strings.HasPrefix(l.word, "--"):
			return whole, false
		}
	}
	return whole, ok
}

// closings suggests to close what the value of an operation's option left open.
func (l *line) closings() []Suggestion {
	if l.option == nil || l.option.shape == nil || fileScheme(l.word) != "" {
		return nil
	}
	brackets := closing(l.word)
	if brackets == "" {
		return nil
	}
	return []Suggestion{{Word: l.word + brackets, Display: "Autoclose brackets"}}
}

func (c *Completer) parse(text string) *line {
	words, last := split(text)
	l := &line{given: map[string][]string{}, word: last.text, start: last.start, quote: last.quote, before: text[:last.start]}
	for _, w := range words {
		c.take(l, w.text)
	}
	if l.option != nil && strings.HasPrefix(l.word, "--") {
		l.option = nil
	}
	c.inline(l, text, last)
	return l
}

// take reads one whole word.
func (c *Completer) take(l *line, word string) {
	switch {
	case strings.HasPrefix(word, "--"):
		c.takeOption(l, strings.TrimPrefix(word, "--"))
	case l.option != nil:
		l.given[l.option.name] = append(l.given[l.option.name], word)
		if !l.option.several {
			l.option = nil
		}
	case l.service == nil:
		i := slices.IndexFunc(c.Services, func(s *model.Service) bool { return s.Name == word })
		if l.unknown = l.unknown || i < 0; i >= 0 {
			l.service = c.Services[i]
		}
	case l.operation == nil && word == waitWord && c.waits(l.service):
		l.service = c.Waiters
	case l.operation == nil:
		l.operation = l.service.Operation(word)
		l.unknown = l.unknown || l.operation == nil
	default:
		l.unknown = true
	}
}

func (c *Completer) takeOption(l *line, name string) {
	name, value, assigned := strings.Cut(name, "=")
	o := c.find(l, name)
	l.option = nil
	switch {
	case o == nil:
		l.unknown = true
	case assigned:
		l.given[name] = append(l.given[name], value)
	default:
		l.given[name] = nil
		if !o.flag {
			l.option = o
		}
	}
}

// inline turns a last word --option=value into the value of that option.
func (c *Completer) inline(l *line, text string, last word) {
	name, value, assigned := strings.Cut(l.word, "=")
	if !assigned || !strings.HasPrefix(name, "--") || !strings.HasPrefix(text[last.start:], name+"=") {
		return
	}
	o := c.find(l, name[2:])
	if o == nil || o.flag {
		l.unknown = true
		return
	}
	l.option, l.word = o, value
	l.start += len(name) + 1
	l.before = text[:l.start]
}

func (c *Completer) find(l *line, name string) *option {
	all := slices.Concat(operationOptions(l.operation), c.globalOptions())
	i := slices.IndexFunc(all, func(o *option) bool { return o.name == name })
	if i < 0 {
		return nil
	}
	return all[i]
}

// globals are the values of the options given that every command takes; of a flag an empty one.
func (c *Completer) globals(l *line) map[string]string {
	values := map[string]string{}
	for _, o := range c.globalOptions() {
		if given, ok := l.given[o.name]; ok {
			values[o.name] = strings.Join(given, " ")
		}
	}
	return values
}

// word is one word of a line, or the begin of one.
type word struct {
	text  string
	start int
	quote string // opened in it and not closed
}

// split returns the whole words of text and the one at its end, which is empty after a space. It reads quotes as a shell
// does, but a quote may still be open.
func split(text string) (words []word, last word) {
	var s splitter
	for i, r := range text {
		s.take(i, r)
	}
	s.last.text = s.text.String()
	return s.words, s.last
}

type splitter struct {
	words   []word
	last    word
	text    strings.Builder // of last
	begun   bool            // last has, be it with an empty quote
	escaped bool
}

func (s *splitter) take(i int, r rune) {
	quoted := s.last.quote != ""
	switch {
	case s.escaped:
		s.add(r)
		s.escaped = false
	case r == '\\' && s.last.quote != "'":
		s.begun, s.escaped = true, true
	case !quoted && (r == '\'' || r == '"'):
		s.begun, s.last.quote = true, string(r)
	case string(r) == s.last.quote:
		s.last.quote = ""
	case !quoted && strings.ContainsRune(" \t\r\n", r):
		s.end(i + 1)
	default:
		s.add(r)
	}
}

func (s *splitter) add(r rune) {
	s.text.WriteRune(r)
	s.begun = true
}

// end finishes a word, and lets the next begin.
func (s *splitter) end(next int) {
	if s.begun {
		s.last.text = s.text.String()
		s.words = append(s.words, s.last)
	}
	s.text.Reset()
	s.begun, s.last = false, word{start: next}
}
