package param

import (
	"slices"

	"apron/cli/document"
	"apron/cli/model"
)

// Skeleton is an example of the input of an operation, in which every member has a value of its type.
func Skeleton(input *model.Shape) any {
	return (&sampler{}).value(input, "")
}

// SkeletonJSON is the Skeleton as a text to fill in for --cli-input-json. It ends with a newline.
func SkeletonJSON(input *model.Shape) string {
	return document.JSON(Skeleton(input), 4, true) + "\n"
}

// OutputSkeleton is an example of the output of an operation, in which texts are the names of their members. Moments of
// time in it are no texts, unlike those in an answer.
func OutputSkeleton(output *model.Shape) any {
	return (&sampler{named: true}).value(output, "")
}

// beginning is the moment in every skeleton.
var beginning = document.Foreign{
	Class: "datetime.datetime", Repr: "datetime.datetime(1970, 1, 1, 0, 0)", Text: "1970-01-01 00:00:00", JSON: "1970-01-01T00:00:00",
}

type sampler struct {
	named bool     // texts are names
	stack []string // the names of the shapes around
}

func (p *sampler) value(s *model.Shape, name string) any {
	p.stack = append(p.stack, s.Name)
	defer func() { p.stack = p.stack[:len(p.stack)-1] }()
	switch s.Type {
	case "structure":
		return p.structure(s)
	case "list":
		return []any{p.value(s.Elem, s.Elem.Name)}
	case "map":
		return document.NewMap("KeyName", p.value(s.Elem, ""))
	case "integer":
		return int64(0)
	case "boolean":
		return true
	case "timestamp":
		return beginning
	}
	return p.text(s, name)
}

func (p *sampler) text(s *model.Shape, name string) string {
	switch {
	case p.named:
		return name
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	return ""
}

// structure is empty for one that stands in itself a second time.
func (p *sampler) structure(s *model.Shape) *document.Map {
	m := &document.Map{}
	if recurs(p.stack, s.Name) {
		return m
	}
	for _, member := range s.Members {
		m.Set(member.Name, p.value(member.Shape, member.Name))
	}
	return m
}

// recurs reports whether the last name of a stack stands in it before.
func recurs(stack []string, name string) bool {
	return slices.Contains(stack[:len(stack)-1], name)
}
