package build

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Command is what starts the program of a source service: a shell, because start commands of managed runtimes use `&&`,
// variables and whatever else shells have. Where the last thing that the line does is to start a program, the shell makes
// way for it (exec): a shell that stays is the instance's first process, hands on no signal, and the program would be killed
// where it could end in order.
func Command(line string) []string {
	line = strings.TrimSpace(line)
	if at, ok := lastProgram(line); ok {
		line = line[:at] + "exec " + line[at:]
	}
	return []string{"/bin/sh", "-c", line}
}

// lastProgram is where in line the name of the program stands that is started last and on which nothing depends any more.
func lastProgram(line string) (offset int, ok bool) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(line), "")
	if err != nil || len(file.Stmts) == 0 {
		return 0, false // the shell has the better words for it
	}
	return programOf(file.Stmts[len(file.Stmts)-1])
}

func programOf(s *syntax.Stmt) (offset int, ok bool) {
	if s.Background || s.Negated {
		return 0, false
	}
	switch c := s.Cmd.(type) {
	case *syntax.BinaryCmd:
		if c.Op == syntax.AndStmt || c.Op == syntax.OrStmt {
			return programOf(c.Y)
		}
	case *syntax.CallExpr:
		// exec keeps no variables that stand before it, and starts no builtin.
		if len(c.Assigns) == 0 && len(c.Args) > 0 && isProgram(c.Args[0].Lit()) {
			return int(c.Args[0].Pos().Offset()), true
		}
	}
	return 0, false
}

// isProgram tells whether a word names a program and nothing that the shell does itself. A word with quotes or variables is
// "" here: it may be anything.
func isProgram(word string) bool {
	return word != "" && !slices.Contains(builtins, word) && !strings.ContainsAny(word, "*?[~{\\")
}

// builtins are what a shell may do itself, and of which there is no program or another one. Those like test and echo, which
// do end, need no exec.
var builtins = strings.Fields(". : [ alias bg break builtin cd chdir command continue declare echo enable eval exec exit export " +
	"false fc fg getopts hash help history jobs kill let local printf pwd read readonly return set shift shopt source test times " +
	"trap true type typeset ulimit umask unalias unset wait")
