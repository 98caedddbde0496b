package output

import (
	"errors"
	"fmt"
	"math"
)

// cellPadding is what a column is wider than the widest of its texts.
const cellPadding = 4

// section is one box of a table: a title, the names of columns where there are several, and rows.
type section struct {
	title   *string // nil for a box that goes on without one
	header  []string
	rows    [][]string
	depth   int   // in how many boxes it lies
	widths  []int // of the widest text of each column
	columns int   // how many cells a row has
	sized   bool  // columns is known
}

func (s *section) addHeader(names []string) error {
	if err := s.widen(names); err != nil {
		return err
	}
	s.size(len(names))
	s.header = names
	return nil
}

func (s *section) addRow(cells []string) error {
	s.size(len(cells))
	if len(cells) != s.columns {
		//lint:ignore ST1005 the text is the reference's
		return fmt.Errorf("Row should have %d elements, instead it has %d", s.columns, len(cells))
	}
	s.rows = append(s.rows, cells)
	return s.widen(cells)
}

// size holds the first row or header to be as wide as all.
func (s *section) size(columns int) {
	if !s.sized {
		s.columns, s.sized = columns, true
	}
}

func (s *section) widen(cells []string) error {
	if len(s.widths) == 0 {
		s.widths = make([]int, len(cells))
	}
	for i, c := range cells {
		if i >= len(s.widths) {
			return errors.New("list index out of range")
		}
		s.widths[i] = max(s.widths[i], textWidth(c))
	}
	return nil
}

// width is that of the whole box and of the edges of those around it.
func (s *section) width() int {
	total, title := 0, len("None")
	for _, w := range s.widths {
		total += w + cellPadding
	}
	if s.title != nil {
		title = textWidth(*s.title)
	}
	return max(title, total) + 2 + 2*s.depth
}

// spread returns the widths of the columns in a box of that width: each in proportion to what it holds, and what
// rounding left over taken from the first columns or given to the last.
func (s *section) spread(width int) []int {
	sum := 0
	for _, w := range s.widths {
		sum += w + cellPadding
	}
	scale, spread := float64(width)/float64(sum), make([]int, len(s.widths))
	over := -width
	for i, w := range s.widths {
		spread[i] = int(math.RoundToEven(scale * float64(w+cellPadding)))
		over += spread[i]
	}
	for i := 0; over != 0 && len(spread) > 0; i = (i + 1) % len(spread) {
		if over > 0 {
			spread[i]--
			over--
		} else {
			spread[len(spread)-1-i]++
			over++
		}
	}
	return spread
}

// turn lays the only row of a box with named columns on its side, a row of name and value for each.
func (s *section) turn() *section {
	if len(s.rows) != 1 || len(s.header) == 0 {
		return s
	}
	turned := &section{title: s.title, depth: s.depth}
	for i, name := range s.header[:min(len(s.header), len(s.rows[0]))] {
		row := []string{name, s.rows[0][i]}
		turned.rows = append(turned.rows, row)
		_ = turned.widen(row) // every row has two cells
	}
	return turned
}
