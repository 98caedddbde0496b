package argparse

import (
	"regexp"
	"strings"
	"sync"
)

// option is an argument string that looks like an option.
type option struct {
	argument *Argument // nil where the parser has no such option
	value    *string   // what stands behind =, nil without
}

// option reads one string of the command line; it returns nil when that is no option but a value.
func (p *Parser) option(text string) (*option, error) {
	if len(text) < 2 || text[0] != '-' {
		return nil, nil
	}
	if a := p.named(text); a != nil {
		return &option{argument: a}, nil
	}
	name, value := split(text)
	if a := p.named(name); a != nil {
		return &option{a, value}, nil
	}
	found := p.abbreviated(name)
	if len(found) > 1 {
		names := make([]string, len(found))
		for i, a := range found {
			names[i] = a.Name
		}
		return nil, p.fail(nil, "ambiguous option: %s could match %s", text, strings.Join(names, ", "))
	}
	if len(found) == 1 {
		return &option{found[0], value}, nil
	}
	if strings.Contains(text, " ") || negativeNumber().MatchString(text) {
		return nil, nil
	}
	return &option{}, nil
}

// negativeNumber matches what is taken for a value although it begins with a dash. Like Python's, it does not mind a
// newline at the end, nor which script the digits are of.
var negativeNumber = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^-(\p{Nd}+|\p{Nd}*\.\p{Nd}+)\n?$`)
})

func (p *Parser) named(name string) *Argument {
	for _, a := range p.args {
		if a.Option() && a.Name == name {
			return a
		}
	}
	return nil
}

// abbreviated returns the options whose names begin that way, in order. One dash abbreviates none.
func (p *Parser) abbreviated(name string) []*Argument {
	var found []*Argument
	for _, a := range p.args {
		if a.Option() && strings.HasPrefix(name, "--") && strings.HasPrefix(a.Name, name) {
			found = append(found, a)
		}
	}
	return found
}

func split(text string) (string, *string) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return text, nil
	}
	return name, &value
}
