package param

import (
	"strings"

	"apron/cli/document"
	"apron/cli/model"
)

// SkeletonYAML is the Skeleton as a text to fill in for --cli-input-yaml. Behind each member stands whether it is
// required, what describe says of it, and which values it may have. A nil describe stands for what the model says. The
// text ends with a newline.
func SkeletonYAML(input *model.Shape, describe func(in *model.Shape, m model.Member) string) string {
	if describe == nil {
		describe = modelSays
	}
	inline, lines := (&commented{describe: describe}).value(input)
	return inline + strings.Join(lines, "\n") + "\n"
}

func modelSays(_ *model.Shape, m model.Member) string {
	if m.Doc != "" {
		return m.Doc
	}
	return m.Shape.Doc
}

type commented struct {
	describe func(in *model.Shape, m model.Member) string
	stack    []string
}

// value is either a word to stand on the line of its key or lines to stand below.
func (c *commented) value(s *model.Shape) (inline string, lines []string) {
	c.stack = append(c.stack, s.Name)
	defer func() { c.stack = c.stack[:len(c.stack)-1] }()
	switch s.Type {
	case "structure":
		return c.structure(s)
	case "list":
		return c.list(s)
	case "map":
		return "", c.member("KeyName", s.Elem, "")
	}
	v := (&sampler{}).value(s, "")
	if v == "" {
		return "''", nil
	}
	if text, ok := v.(string); ok {
		return text, nil
	}
	return document.JSON(v, 0, true), nil
}

func (c *commented) list(s *model.Shape) (string, []string) {
	inline, lines := c.value(s.Elem)
	if lines == nil {
		lines = []string{inline}
	}
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	lines[0] = "- " + lines[0][2:]
	return "", lines
}

func (c *commented) structure(s *model.Shape) (string, []string) {
	if len(s.Members) == 0 || recurs(c.stack, s.Name) {
		return "{}", nil
	}
	var lines []string
	var said []string // keys so far, "" for those without a comment
	for _, m := range s.Members {
		comment := c.comment(s, m)
		if comment != "" {
			comment = gap(s, said) + comment
			said = append(said, m.Name)
		} else {
			said = append(said, "")
		}
		lines = append(lines, c.member(m.Name, m.Shape, comment)...)
	}
	return "", lines
}

// member is a key with its value; comment begins with the space before it.
func (c *commented) member(key string, s *model.Shape, comment string) []string {
	inline, lines := c.value(s)
	if lines == nil {
		return []string{key + ": " + inline + comment}
	}
	if s.Type != "list" {
		for i := range lines {
			lines[i] = "  " + lines[i]
		}
	}
	return append([]string{key + ":" + comment}, lines...)
}

func (c *commented) comment(in *model.Shape, m model.Member) string {
	var parts []string
	if in.IsRequired(m.Name) {
		parts = append(parts, "[REQUIRED]")
	}
	parts = append(parts, c.describe(in, m))
	if len(m.Shape.Enum) > 0 {
		parts = append(parts, "Valid values are: "+strings.Join(m.Shape.Enum, ", ")+".")
	}
	text := strings.Join(parts, " ")
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return "# " + text
}

// gap is the space before the comment of the member that comes after those said: two where it is the first to have one,
// as the AWS CLI's YAML has it, and also where the one before has none and no earlier one is found that comes before it
// in the alphabet.
func gap(s *model.Shape, said []string) string {
	n := len(said)
	if n > 0 && said[n-1] != "" {
		return " "
	}
	for i, key := range said {
		if s.Members[i].Name >= s.Members[n].Name {
			break
		}
		if key != "" {
			return " "
		}
	}
	return "  "
}
