package build

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

const (
	fromAppRunner = "[AppRunner] "
	fromBuild     = "[Build] "

	maxLine   = 4096    // bytes of a line that are shown
	maxSecret = 1024    // bytes that are read beyond, so that no secret loses its end to the cut
	maxLines  = 20_000  // lines of one build that are shown; a user reads the end, which comes in any case
	maxBytes  = 4 << 20 // and their bytes
	lastLines = 20      // lines that an error shows
	markStart = '\x1e'  // ASCII's record separator, which no program prints to people
	binary    = "(binary output)"
)

// output makes lines of a log out of what commands print: without colours, cursor moves and progress bars that are
// overwritten, with an end to each line and to the whole. It reads the marks that the script prints between commands.
type output struct {
	show func(string) // takes lines with their prefix
	hide *strings.Replacer
	mark string    // what a mark begins with, after markStart
	step func(int) // called when the command with this number begins, with 0 first and then each next one; not nil
	next int       // the number of the next command

	line    []byte // of the line under way, its first bytes
	cut     int    // bytes of it that were dropped
	over    bool   // a carriage return came: what follows overwrites the line
	shown   int    // lines
	bytes   int
	dropped int      // lines that were not shown
	last    []string // of the command under way, without prefix
}

// Write takes what commands print, in pieces of any size. It never fails.
func (o *output) Write(p []byte) (int, error) {
	for piece := range slices.Chunk(p, maxPiece) {
		for i := indexControl(piece); i >= 0; i = indexControl(piece) {
			o.add(piece[:i])
			o.control(piece[i])
			piece = piece[i+1:]
		}
		o.add(piece)
	}
	return len(p), nil
}

// maxPiece keeps a search for what is not there short: many are made where a progress bar has no line ends.
const maxPiece = 8 << 10

// indexControl is where the first byte stands that control knows, or -1. IndexAny would look at each byte by itself, and commands
// print gigabytes.
func indexControl(p []byte) int {
	first := -1
	for _, c := range []byte{'\n', '\r', markStart} {
		if i := bytes.IndexByte(p, c); i >= 0 {
			first, p = i, p[:i]
		}
	}
	return first
}

func (o *output) add(p []byte) {
	if len(p) == 0 {
		return
	}
	if o.over {
		o.line, o.cut, o.over = o.line[:0], 0, false
	}
	keep := min(len(p), maxLine+maxSecret-len(o.line))
	o.line = append(o.line, p[:keep]...)
	o.cut += len(p) - keep
}

func (o *output) control(c byte) {
	switch c {
	case '\n':
		o.end()
	case '\r':
		o.over = true
	case markStart:
		if len(o.line) > 0 {
			o.end()
		}
		o.over = false
		o.line = append(o.line, markStart)
	}
}

// end finishes the line under way.
func (o *output) end() {
	line, cut := o.line, o.cut
	o.line, o.cut, o.over = o.line[:0], 0, false
	if len(line) > 0 && line[0] == markStart {
		if number, ok := strings.CutPrefix(string(line[1:]), o.mark); ok {
			o.mayStep(number)
			return
		}
		line = line[1:]
	}
	o.text(o.hide.Replace(tame(line)), cut)
}

// mayStep takes the commands in their order alone: one of them may have read the mark in its parent's arguments, and each step
// is a line of the log that no limit holds.
func (o *output) mayStep(number string) {
	if n, err := strconv.Atoi(number); err == nil && n == o.next {
		o.next++
		o.last = nil
		o.step(n)
	}
}

// text shows one line of a command.
func (o *output) text(s string, cut int) {
	if s == binary && len(o.last) > 0 && o.last[len(o.last)-1] == binary {
		return // one such line stands for all
	}
	if len(s) > maxLine {
		whole := len(s)
		s = strings.ToValidUTF8(s[:maxLine], "")
		cut += whole - len(s)
	}
	if cut > 0 {
		s += fmt.Sprintf(" ... (%d more bytes)", cut)
	}
	if o.last = append(o.last, s); len(o.last) > lastLines {
		o.last = o.last[1:]
	}
	if o.shown >= maxLines || o.bytes >= maxBytes {
		o.dropped++
		return
	}
	o.shown++
	o.bytes += len(s)
	o.show(fromBuild + s)
}

// flush ends what is under way when the commands have ended, and shows the last lines if they went over the limit.
func (o *output) flush() {
	if len(o.line) > 0 {
		o.end()
	}
	if o.dropped == 0 {
		return
	}
	o.show(fmt.Sprintf("%sThe commands printed more than is shown: %d lines are left out before the last ones.", fromAppRunner, max(0, o.dropped-len(o.last))))
	for _, s := range o.last {
		o.show(fromBuild + s)
	}
	o.dropped = 0
}

// tame makes text of a line that may be anything.
func tame(line []byte) string {
	if isBinary(line) {
		return binary
	}
	s := strings.ToValidUTF8(ansi.Strip(string(line)), "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if r != '\t' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	return strings.TrimRight(s, " \t")
}

// isBinary counts what is in no text. The escape, the bell and the backspace are for terminals.
func isBinary(line []byte) bool {
	odd, all := 0, 0
	for i := 0; i < len(line); all++ {
		r, size := utf8.DecodeRune(line[i:])
		if r == utf8.RuneError && size == 1 || unicode.IsControl(r) && !strings.ContainsRune("\t\x1b\a\b", r) {
			odd++
		}
		i += size
	}
	return odd > 4 && odd*4 > all
}
