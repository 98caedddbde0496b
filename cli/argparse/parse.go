package argparse

import (
	"regexp"
	"slices"
	"strings"

	"apron/cli/document"
)

// Parse reads the arguments. It returns the value of every argument's destination, defaults included, in the order of
// the arguments, and the strings that it knows nothing of. A wrong command line gives an *Error.
func (p *Parser) Parse(args []string) (*document.Map, []string, error) {
	r := &run{Parser: p, args: args, values: p.defaults(), seen: map[*Argument]bool{}, set: map[string]bool{}}
	if err := r.classify(); err != nil {
		return nil, nil, err
	}
	for _, a := range p.args {
		if !a.Option() {
			r.positionals = append(r.positionals, a)
		}
	}
	if err := r.consume(); err != nil {
		return nil, nil, err
	}
	if err := r.finish(); err != nil {
		return nil, nil, err
	}
	return r.values, r.extras, nil
}

func (p *Parser) defaults() *document.Map {
	values := &document.Map{}
	for _, a := range p.args {
		if _, ok := values.Get(a.dest()); !ok {
			values.Set(a.dest(), a.Default)
		}
	}
	return values
}

// run is one call of Parse.
type run struct {
	*Parser
	args        []string
	kinds       string    // a letter for each argument: O an option, A a value, - the two dashes that end the options
	options     []*option // by the index of the argument
	positionals []*Argument
	values      *document.Map
	extras      []string
	seen        map[*Argument]bool
	set         map[string]bool // destinations that have been given a value
}

// classify tells options from values before any is taken, so what an option would take does not depend on the values.
func (r *run) classify() error {
	kinds := make([]byte, len(r.args))
	r.options = make([]*option, len(r.args))
	for i, arg := range r.args {
		if arg == "--" {
			kinds[i] = '-'
			for j := i + 1; j < len(kinds); j++ {
				kinds[j] = 'A'
			}
			break
		}
		o, err := r.option(arg)
		if err != nil {
			return err
		}
		r.options[i] = o
		kinds[i] = 'A'
		if o != nil {
			kinds[i] = 'O'
		}
	}
	r.kinds = string(kinds)
	return nil
}

// consume takes positionals and options in turn until the last option, and then the positionals behind it.
func (r *run) consume() (err error) {
	at := 0
	for last := strings.LastIndexByte(r.kinds, 'O'); at <= last; {
		next := at + strings.IndexByte(r.kinds[at:], 'O')
		if at < next {
			start := at
			if at, err = r.consumePositionals(at); err != nil {
				return err
			}
			if at > start {
				continue
			}
			r.extras = append(r.extras, r.args[at:next]...)
			at = next
		}
		if at, err = r.consumeOption(at); err != nil {
			return err
		}
	}
	if at, err = r.consumePositionals(at); err != nil {
		return err
	}
	r.extras = append(r.extras, r.args[at:]...)
	return nil
}

// consumeOption takes the option at that index with its values and returns the index behind them.
func (r *run) consumeOption(at int) (int, error) {
	o := r.options[at]
	switch {
	case o.argument == nil:
		r.extras = append(r.extras, r.args[at])
		return at + 1, nil
	case o.value != nil && !o.argument.takesValue():
		return 0, r.fail(o.argument, "ignored explicit argument %s", document.Repr(*o.value))
	case o.value != nil:
		return at + 1, r.take(o.argument, []string{*o.value})
	}
	n, err := r.count(o.argument, r.kinds[at+1:])
	if err != nil {
		return 0, err
	}
	end := at + 1 + n
	return end, r.take(o.argument, r.args[at+1:end])
}

// count is the number of values that an option takes of what follows it.
func (r *run) count(a *Argument, kinds string) (int, error) {
	if !a.takesValue() {
		return 0, nil
	}
	n := len(kinds) - len(strings.TrimLeft(kinds, "A"))
	switch {
	case a.NArgs == One && n == 0:
		return 0, r.fail(a, "expected one argument")
	case a.NArgs == Some && n == 0:
		return 0, r.fail(a, "expected at least one argument")
	case a.NArgs == One || a.NArgs == Optional:
		return min(n, 1), nil
	}
	return n, nil
}

// patterns are what each positional takes of the kinds that follow: two dashes count for nothing.
var patterns = map[NArgs]string{One: `(-*A-*)`, Optional: `(-*A?-*)`, Many: `(-*[A-]*)`, Some: `(-*A[A-]*)`}

// consumePositionals takes as many positionals as there are values for at that index and returns the index behind them.
func (r *run) consumePositionals(at int) (int, error) {
	for n := len(r.positionals); n > 0; n-- {
		var pattern strings.Builder
		pattern.WriteByte('^')
		for _, a := range r.positionals[:n] {
			pattern.WriteString(patterns[a.NArgs])
		}
		groups := regexp.MustCompile(pattern.String()).FindStringSubmatch(r.kinds[at:])
		if groups != nil {
			return r.takePositionals(at, groups[1:])
		}
	}
	return at, nil
}

func (r *run) takePositionals(at int, groups []string) (int, error) {
	for i, group := range groups {
		end := at + len(group)
		if err := r.take(r.positionals[i], r.args[at:end]); err != nil {
			return 0, err
		}
		at = end
	}
	r.positionals = r.positionals[len(groups):]
	return at, nil
}

// take does what an argument is for, with the strings that it was given.
func (r *run) take(a *Argument, texts []string) error {
	r.seen[a] = true
	value, err := r.value(a, slices.Clone(texts))
	switch {
	case err != nil:
		return err
	case a.Action == Version:
		return ErrVersion
	case a.Action == StoreTrue:
		value = true
	case a.Action == StoreFalse:
		value = false
	}
	r.set[a.dest()] = true
	r.values.Set(a.dest(), value)
	return nil
}

// finish looks for what is missing and turns the defaults that stand into their types.
func (r *run) finish() error {
	var missing []string
	for _, a := range r.Parser.args {
		if r.seen[a] {
			continue
		}
		if a.required() {
			missing = append(missing, a.label())
		} else if err := r.standing(a); err != nil {
			return err
		}
	}
	if missing != nil {
		return r.fail(nil, "the following arguments are required: %s", strings.Join(missing, ", "))
	}
	return nil
}

func (r *run) standing(a *Argument) error {
	text, ok := a.Default.(string)
	if current, _ := r.values.Get(a.dest()); !ok || r.set[a.dest()] || current != a.Default {
		return nil
	}
	v, err := r.convert(a, text)
	if err != nil {
		return err
	}
	r.values.Set(a.dest(), v)
	return nil
}
