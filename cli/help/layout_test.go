package help_test

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	heading = regexp.MustCompile(`^[A-Z][A-Z ]+[A-Z]$`)
	option  = regexp.MustCompile(`^ {7}--[a-z0-9-]+( \| --[a-z0-9-]+)* \(\S+\)`)
	member  = regexp.MustCompile(`^ +([A-Za-z]+ -> )?\([a-z]+\)$`)
	syntax  = regexp.MustCompile(`^ {7}((JSON|Shorthand) )?Syntax:$`)
	indent  = regexp.MustCompile(`^ {10,}\S`)
	item    = regexp.MustCompile(`^ +o \S+$`)
)

// layout returns what of a page is no prose: its headings; the lines of NAME and SYNOPSIS; options, members with their
// indents, the syntax of values, and items of lists.
func layout(page string) (lines []string) {
	section, literal := "", false
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n ")
		words := strings.Join(strings.Fields(line), " ")
		switch {
		case heading.MatchString(line):
			section = line
			lines = append(lines, line)
		case words == "" || section == "DESCRIPTION" || section == "EXAMPLES":
		case section == "NAME" || section == "SYNOPSIS":
			lines = append(lines, words)
		case strings.HasPrefix(line, "       --"):
			literal = false
			if o := option.FindString("       " + words); o != "" {
				lines = append(lines, o)
			}
		case syntax.MatchString(line):
			literal = true
			lines = append(lines, line)
		case literal && indent.MatchString(line), member.MatchString(line), item.MatchString(line):
			lines = append(lines, line)
		}
	}
	return lines
}

// difference shows where two layouts part.
func difference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		if g, w := at(got, i), at(want, i); g != w {
			return fmt.Sprintf("line %d is %q, AWS's is %q, after %q", i, g, w, at(got, i-1))
		}
	}
	return ""
}

func at(lines []string, i int) string {
	if i < 0 || i >= len(lines) {
		return "(none)"
	}
	return lines[i]
}
