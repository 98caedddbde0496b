package fleet

import (
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/shell"
)

// Command splits a StartCommand into a program and its arguments as a shell does: quotes group, $NAME and ${NAME} are
// taken from env ("NAME=value"; unknown ones are empty). No shell runs, since an image need not have one; what only a
// shell can do (pipes, &&, $(...)) is an error.
func Command(line string, env []string) ([]string, error) {
	lookup := expand.ListEnviron(env...)
	words, err := shell.Fields(line, func(name string) string { return lookup.Get(name).String() })
	if err != nil {
		return nil, fmt.Errorf("read command %q: %w", line, err)
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("read command %q: it has no word", strings.TrimSpace(line))
	}
	return words, nil
}
