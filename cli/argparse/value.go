package argparse

import (
	"fmt"
	"slices"
	"strings"

	"apron/cli/document"
)

// value makes one value of the strings that an argument was given; the slice is value's own. The first two dashes
// among them are no value. A list is what remains where a single string was asked for and the dashes were all there was.
func (r *run) value(a *Argument, texts []string) (any, error) {
	if i := slices.Index(texts, "--"); i >= 0 {
		texts = slices.Delete(texts, i, i+1)
	}
	switch {
	case !a.takesValue():
		return nil, nil
	case len(texts) == 0 && a.NArgs == Optional:
		return r.absent(a)
	case len(texts) == 0 && a.NArgs == Many && !a.Option() && a.Default != nil:
		return a.Default, nil
	case len(texts) == 1 && (a.NArgs == One || a.NArgs == Optional):
		return r.checked(a, texts[0])
	}
	list := []any{}
	for _, text := range texts {
		v, err := r.convert(a, text)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	for _, v := range list {
		if err := r.check(a, v); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// absent is the value of an argument that may have one and has none.
func (r *run) absent(a *Argument) (any, error) {
	v := a.Default
	if a.Option() {
		v = a.Const
	}
	if text, ok := v.(string); ok {
		return r.checked(a, text)
	}
	return v, nil
}

func (r *run) checked(a *Argument, text string) (any, error) {
	v, err := r.convert(a, text)
	if err != nil {
		return nil, err
	}
	return v, r.check(a, v)
}

func (r *run) convert(a *Argument, text string) (any, error) {
	if a.Type == String {
		return text, nil
	}
	n, err := document.Int(text)
	if err != nil {
		return nil, r.fail(a, "invalid int value: %s", document.Repr(text))
	}
	return n, nil
}

// check holds a value against the choices, which are those of strings.
func (r *run) check(a *Argument, v any) error {
	text, _ := v.(string)
	if a.Choices == nil || slices.Contains(a.Choices, text) || slices.Contains(a.Unlisted, text) {
		return nil
	}
	return r.fail(a, "%s", invalidChoice(text, a.Choices))
}

// choicesPerLine is how many the AWS CLI shows on a line.
const choicesPerLine = 2

func invalidChoice(text string, choices []string) string {
	lines := []string{"Invalid choice, valid choices are:\n"}
	for some := range slices.Chunk(choices, choicesPerLine) {
		cells := make([]string, len(some))
		for i, c := range some {
			cells[i] = fmt.Sprintf("%-40s", c)
		}
		lines = append(lines, strings.Join(cells, " | "))
	}
	if like := closeMatches(text, choices); len(like) > 0 {
		lines = append(lines, "\n\nInvalid choice: "+document.Repr(text)+", maybe you meant:\n")
		for _, c := range like {
			lines = append(lines, "  * "+c)
		}
	}
	return strings.Join(lines, "\n")
}
