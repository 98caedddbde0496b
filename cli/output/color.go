package output

import (
	"bytes"
	"io"
	"strings"
)

// Reset is what a terminal gets when a program that wrote in colours ends.
const Reset = "\x1b[0m"

const (
	cellColor = "\x1b[1m\x1b[34m" // bright, blue
	edgeColor = "\x1b[2m\x1b[33m" // dim, yellow
)

// Resetting returns a writer that ends each piece that is written with Reset.
func Resetting(w io.Writer) io.Writer { return resetting{w} }

type resetting struct{ io.Writer }

func (r resetting) Write(p []byte) (int, error) {
	if n, err := r.Writer.Write(p); err != nil {
		return n, err
	}
	if _, err := io.WriteString(r.Writer, Reset); err != nil {
		return 0, err
	}
	return len(p), nil
}

// pen draws tables. It writes in the reference's pieces, because a terminal gets Reset behind each of them.
type pen struct {
	buf     *bytes.Buffer
	colored bool
	reset   bool // behind each piece
}

func newPen(buf *bytes.Buffer, o Options) *pen {
	return &pen{buf: buf, colored: o.Colored(), reset: o.Colored() && !o.Paged}
}

func (p *pen) write(s string) {
	p.buf.WriteString(s)
	if p.reset {
		p.buf.WriteString(Reset)
	}
}

// line writes one line of a box within as many others as depth says.
func (p *pen) line(s string, depth int) {
	edges := strings.Repeat(p.color(edgeColor, "|"), depth)
	for _, piece := range []string{edges, s, edges, "\n"} {
		p.write(piece)
	}
}

func (p *pen) cell(text string) string { return p.color(cellColor, text) }

func (p *pen) color(color, text string) string {
	if !p.colored {
		return text
	}
	return color + text + Reset
}
