package complete

import (
	"context"
	"slices"

	"apron/cli/model"
)

// nested reports whether a value of the shape is written in the shorthand form: Key=a,Value=b or Port=80,Code={Runtime=GO_1}.
func nested(s *model.Shape) bool {
	return s.Type == "structure" || s.Type == "map" || s.Type == "list"
}

// shorthand suggests how a value in the shorthand form goes on.
func (c *Completer) shorthand(ctx context.Context, l *line) (all []Suggestion) {
	p := shorthand(l.option.shape, l.word)
	done := l.word[:p.start]
	switch {
	case p.lost:
	case p.atKey():
		all = keys(p.top(), done)
	case p.leaf() != nil:
		for _, s := range c.leaf(ctx, l, p) {
			s.Word, s.Display = done+s.Word, s.Word
			all = append(all, s)
		}
	}
	return all
}

// leaf are the values of the innermost member.
func (c *Completer) leaf(ctx context.Context, l *line, p *place) []Suggestion {
	shape := p.leaf()
	switch {
	case shape.Type == "boolean":
		return words([]string{"true", "false"})
	case len(shape.Enum) > 0:
		return words(shape.Enum)
	case p.key == "":
		return c.resources(ctx, l, l.option.member)
	}
	return c.resources(ctx, l, p.key)
}

// keys are the members of a structure that the value does not set yet, with what opens their values.
func keys(f frame, done string) (all []Suggestion) {
	if f.shape.Type != "structure" {
		return nil
	}
	opens := map[string]string{"structure": "{", "map": "{", "list": "["}
	for _, m := range f.shape.Members {
		if slices.Contains(f.seen, m.Name) {
			continue
		}
		key := m.Name + "=" + opens[m.Shape.Type]
		all = append(all, Suggestion{Word: done + key, Display: key, Type: m.Shape.Type, Doc: plain(m.Doc)})
	}
	return all
}

// closing are the brackets that the value opened and did not close, in the order in which they must close; nothing if it
// closed one that was not open.
func closing(value string) string {
	var open []rune
	for _, r := range value {
		switch r {
		case '{':
			open = append(open, '}')
		case '[':
			open = append(open, ']')
		case '}', ']':
			if len(open) == 0 || open[len(open)-1] != r {
				return ""
			}
			open = open[:len(open)-1]
		}
	}
	slices.Reverse(open)
	return string(open)
}

// frame is one structure, map or list that is open.
type frame struct {
	shape *model.Shape
	seen  []string // the keys that it has
	key   bool     // the next word is a key, no value
}

// place is where in a value its end stands.
type place struct {
	frames []frame
	value  *model.Shape // of the word being typed if that is a value, nil when the model does not know it
	key    string       // the member that value belongs to
	start  int          // at which the word being typed begins
	closed bool         // a bracket has just closed
	lost   bool         // the value is not in the shorthand form
}

func (p *place) top() frame { return p.frames[len(p.frames)-1] }

func (p *place) atKey() bool { return len(p.frames) > 0 && p.top().key && !p.closed }

func (p *place) leaf() *model.Shape {
	if p.closed {
		return nil
	}
	return p.value
}

// shorthand finds where the end of value stands. A list that is an option's whole value is given as words of their own,
// so that value is one element of it.
func shorthand(shape *model.Shape, value string) *place {
	p := &place{}
	if shape.Type == "list" {
		shape = shape.Elem
	}
	if nested(shape) {
		p.push(shape)
	} else {
		p.value = shape
	}
	for i, r := range value {
		p.take(value, i, r)
	}
	return p
}

func (p *place) push(shape *model.Shape) {
	f := frame{shape: shape, key: shape.Type != "list"}
	if !f.key {
		p.value = shape.Elem
	}
	p.frames = append(p.frames, f)
}

func (p *place) take(value string, i int, r rune) {
	begins := i == p.start && !p.closed
	switch {
	case p.lost || len(p.frames) == 0:
	case r == '=' && p.atKey():
		p.assign(value[p.start:i], i+1)
	case (r == '{' || r == '[') && begins:
		p.open(r, i+1)
	case r == '}' || r == ']':
		p.close(r, i+1)
	case r == ',':
		p.next(i + 1)
	case p.closed:
		p.lost = true
	}
}

// assign turns the word being typed into a key and begins its value.
func (p *place) assign(key string, next int) {
	f := &p.frames[len(p.frames)-1]
	f.seen, f.key = append(f.seen, key), false
	p.key, p.start, p.value = key, next, f.shape.Member(key)
	if f.shape.Type == "map" {
		p.value = f.shape.Elem
	}
}

// open begins the structure, map or list that the value is.
func (p *place) open(bracket rune, next int) {
	p.start = next
	if p.lost = p.atKey() || p.value == nil || !nested(p.value) || (bracket == '[') != (p.value.Type == "list"); !p.lost {
		p.push(p.value)
	}
}

func (p *place) close(bracket rune, next int) {
	if p.lost = len(p.frames) < 2 || (bracket == ']') != (p.top().shape.Type == "list"); p.lost {
		return
	}
	p.frames = p.frames[:len(p.frames)-1]
	p.closed, p.start = true, next
}

// next begins the next key of a structure or map, or the next element of a list. Elements need no brackets where they are
// the whole value of a member, and there a comma may end that member too: the next key is then what is suggested.
func (p *place) next(next int) {
	f := &p.frames[len(p.frames)-1]
	p.closed, p.start = false, next
	if f.shape.Type == "list" {
		p.value = f.shape.Elem
		return
	}
	p.lost = f.key && len(f.seen) == 0
	f.key, p.value, p.key = true, nil, ""
}
