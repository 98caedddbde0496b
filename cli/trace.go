package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"apron/cli/document"
)

// tracer writes what --debug shows, a line each, in the form of AWS's CLI: time, thread, part, level, text. A nil one
// writes nothing.
type tracer struct{ w io.Writer }

func newTracer(w io.Writer, on bool) *tracer {
	if !on {
		return nil
	}
	return &tracer{w}
}

// printf writes a line of the named part. Secrets are never among its arguments.
func (t *tracer) printf(part, format string, args ...any) {
	if t == nil {
		return
	}
	now := strings.Replace(time.Now().Format("2006-01-02 15:04:05.000"), ".", ",", 1)
	fmt.Fprintf(t.w, "%s - MainThread - %s - DEBUG - %s\n", now, part, fmt.Sprintf(format, args...))
}

// reprWords is a list of words as Python prints it.
func reprWords(words []string) string {
	list := make([]any, len(words))
	for i, w := range words {
		list[i] = w
	}
	return document.Repr(list)
}
