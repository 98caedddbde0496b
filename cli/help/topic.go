package help

import (
	"slices"
	"strings"
)

// topic is a page about no command.
type topic struct {
	Name     string `json:"name"`
	Category string `json:"category"`
	Title    string `json:"title"`
	Summary  string `json:"summary"`
	Sections []struct {
		Heading string `json:"heading"`
		// Text has a block a string: an item after "- ", a literal where its lines begin with four spaces, else a paragraph.
		Text []string `json:"text"`
	} `json:"sections"`
}

// Topics returns what may stand after `aws help`, in the order of the usage error.
func Topics() []string {
	names := []string{"topics"}
	for _, t := range read[[]topic]("topics") {
		names = append(names, t.Name)
	}
	return names
}

// Topic returns the page of a topic, or nil if there is none of that name.
func Topic(name string) *Page {
	all := read[[]topic]("topics")
	if name == "topics" {
		return contents(all)
	}
	i := slices.IndexFunc(all, func(t topic) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return all[i].page()
}

func (t topic) page() *Page {
	p := &Page{Name: t.Title, Summary: t.Summary}
	for i, from := range t.Sections {
		s := Section{Heading: from.Heading}
		if i == 0 {
			s.add(Paragraph, 0, t.Title+" -")
		}
		for _, text := range from.Text {
			s.text(text)
		}
		p.Sections = append(p.Sections, s)
	}
	return p
}

func (s *Section) text(text string) {
	if item, ok := strings.CutPrefix(text, "- "); ok {
		s.add(Item, 0, item)
	} else if strings.HasPrefix(text, "    ") {
		s.add(Literal, 1, strings.TrimPrefix(strings.ReplaceAll(text, "\n    ", "\n"), "    "))
	} else {
		s.add(Paragraph, 0, text)
	}
}

// contents lists the topics by category.
func contents(all []topic) *Page {
	s := Section{Heading: "AVAILABLE TOPICS"}
	category := ""
	for _, t := range all {
		if t.Category != category {
			category = t.Category
			s.add(Heading, 0, category)
		}
		s.add(Item, 0, code(t.Name)+": "+t.Summary)
	}
	const title, about = "AWS CLI Topic Guide", "Topics are pages about no command in particular. `aws help` and the name of one shows it."
	return &Page{Name: title, Summary: about, Sections: []Section{section("NAME", title+" -"), section("DESCRIPTION", about), s}}
}
