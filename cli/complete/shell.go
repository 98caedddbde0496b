package complete

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Shell answers a shell that completes a line of the program by running it with `complete -C`: the line and the cursor's
// place in it are in COMP_LINE and COMP_POINT (tcsh gives COMMAND_LINE alone), and the words that may follow are printed,
// one a line. Args are those of that run: the command, the word as the shell has split it, the word before. Of the line,
// the words in program, such as apron and aws, are the program's name and no part of the command; the first word of the
// line always is. Shell reports false if no shell asks.
func (c *Completer) Shell(ctx context.Context, args []string, env func(string) string, program []string, out io.Writer) bool {
	line, ok := asked(env)
	if !ok {
		return false
	}
	line = command(line, program)
	last := ""
	if len(args) > 1 {
		last = args[1]
	}
	word := c.parse(line).word
	for _, s := range c.Complete(ctx, line) {
		fmt.Fprintln(out, s.Word[known(word, last, s.Word):])
	}
	return true
}

// asked returns the line up to the cursor, and whether there is one.
func asked(env func(string) string) (line string, ok bool) {
	if line = env("COMP_LINE"); line == "" {
		line = env("COMMAND_LINE")
	}
	if point, err := strconv.Atoi(env("COMP_POINT")); err == nil && point >= 0 && point < len(line) {
		line = line[:point]
	}
	return line, line != ""
}

// command removes the program's name from a line, and whichever of the names in program follow it.
func command(line string, program []string) string {
	line = strings.TrimLeft(line, " \t")
	end := strings.IndexAny(line, " \t")
	if end < 0 {
		return ""
	}
	line = strings.TrimLeft(line[end:], " \t")
	for _, name := range program {
		if rest, ok := strings.CutPrefix(line, name); ok && strings.HasPrefix(rest, " ") {
			line = strings.TrimLeft(rest, " ")
		}
	}
	return line
}

// known is how much of a suggestion stands before what the shell will replace: Bash begins a new word after a colon or an
// equals sign, so that of an ARN only what follows the last colon is its to replace.
func known(word, shells, suggestion string) int {
	head := strings.TrimSuffix(word, shells)
	if head == word || !strings.HasPrefix(suggestion, head) || !strings.ContainsAny(head[max(0, len(head)-1):], ":=") {
		head = ""
	}
	return len(head)
}
