package verb

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// table prints rows under a heading, in columns as wide as they need.
type table struct{ *tabwriter.Writer }

func (s *session) table(heading ...string) table {
	t := table{tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)}
	t.row(heading...)
	return t
}

// row adds a line. What comes after the last cell that is filled leaves no spaces behind.
func (t table) row(cells ...string) {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	fmt.Fprintln(t, strings.Join(cells, "\t"))
}
