package complete

import (
	"context"
	"strings"

	"apron/cli/model"
)

// appRunnerRegions are those that AWS offers App Runner in.
func appRunnerRegions() []string {
	return []string{
		"ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3",
		"us-east-1", "us-east-2", "us-west-2",
	}
}

// values are those of the option that the cursor is on.
func (c *Completer) values(ctx context.Context, l *line) []Suggestion {
	o := l.option
	switch {
	case fileScheme(l.word) != "":
		return files(l.word)
	case o.name == "query":
		return query(l)
	case o.global && o.name == "region":
		return words(c.regions())
	case o.global && o.name == "profile":
		if c.Profiles == nil {
			return nil
		}
		return words(c.Profiles())
	case o.shape != nil && nested(o.shape):
		return c.shorthand(ctx, l)
	}
	return append(words(o.choices), c.resources(ctx, l, o.member)...)
}

func (c *Completer) regions() []string {
	if c.Regions == nil {
		return appRunnerRegions()
	}
	return c.Regions
}

func words(all []string) (s []Suggestion) {
	for _, w := range all {
		s = append(s, Suggestion{Word: w})
	}
	return s
}

// query are the members that a --query may name next: those of the operation's output, or of what the part before the
// last dot selects.
func query(l *line) (all []Suggestion) {
	if l.operation == nil || l.operation.Output == nil {
		return nil
	}
	shape := l.operation.Output
	dot := strings.LastIndexByte(l.word, '.')
	if dot >= 0 {
		shape = selected(shape, l.word[:dot])
	}
	if shape == nil || shape.Type != "structure" {
		return nil
	}
	for _, m := range shape.Members {
		all = append(all, Suggestion{Word: l.word[:dot+1] + m.Name, Display: m.Name, Type: m.Shape.Type, Doc: plain(m.Doc)})
	}
	return all
}

// selected returns the shape of what a path of names selects, one for which a list needs its brackets; nil when that
// cannot be told.
func selected(shape *model.Shape, path string) *model.Shape {
	for step := range strings.SplitSeq(path, ".") {
		name, index, indexed := strings.Cut(step, "[")
		if shape = shape.Member(name); shape == nil {
			return nil
		}
		if indexed {
			if shape.Type != "list" || !strings.HasSuffix(index, "]") {
				return nil
			}
			shape = shape.Elem
		}
	}
	return shape
}
