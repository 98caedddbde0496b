// Package output shows a response as the AWS CLI does: as JSON, text, a table or YAML, in colour where asked, through a
// pager where stdout is a terminal. The command line hands it a response to which --query has been applied. Which
// format, colour and pager are configured is not its business, nor how its errors are printed. The texts of those are
// Python's own, for scripts see them.
package output

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"

	"apron/cli/document"
	"apron/cli/yaml"
)

// Options says how a response is to look.
type Options struct {
	Format   string // json, text, table, yaml or yaml-stream
	Color    string // on, off or auto; only tables have colours
	Terminal bool   // stdout is a terminal
	Paged    bool   // what is written goes to a pager
	Width    int    // columns of the terminal; a table that is wider turns its single rows on their side
}

// Colored reports whether a response is written in colours. From then on whatever else the program writes to stdout and
// stderr goes through Resetting, in the pieces of the reference (an error is "\n", its text, "\n"), and stdout gets Reset
// at the very end if it is a terminal, be there a response or none.
func (o Options) Colored() bool {
	return o.Format == "table" && (o.Color == "on" || o.Color == "auto" && o.Terminal)
}

// Check refuses what no response can be written as. The reference asks for it before all else that it shows.
func (o Options) Check() error {
	if !slices.Contains([]string{"json", "text", "table", "yaml", "yaml-stream"}, o.Format) {
		//lint:ignore ST1005 the text is the reference's
		return fmt.Errorf("Unknown output type: %s", o.Format)
	}
	return nil
}

// Write shows v as the response of that operation, such as PauseService. With an error, what came before it is written.
// Where w is stdout, the program must ignore SIGPIPE, for a reader that has left is met as the reference meets it.
func Write(w io.Writer, operation string, v any, o Options) error {
	var buf bytes.Buffer
	err := format(&buf, operation, document.WellFormed(v), o)
	if buf.Len() == 0 {
		return err // so that no pager starts for nothing
	}
	if _, writeErr := w.Write(buf.Bytes()); err == nil {
		err = o.writeError(writeErr)
	}
	return err
}

// writeError is what the reference makes of an error of stdout: that nobody reads any more is one for text alone.
func (o Options) writeError(err error) error {
	switch {
	case !errors.Is(err, syscall.EPIPE):
		return err
	case o.Format == "text":
		return errors.New("[Errno 32] Broken pipe")
	}
	return nil
}

func format(buf *bytes.Buffer, operation string, v any, o Options) error {
	switch o.Format {
	case "json":
		if !isEmptyMap(v) {
			buf.WriteString(document.JSON(v, 4, false) + "\n")
		}
	case "yaml":
		if !isEmptyMap(v) {
			buf.WriteString(yaml.Marshal(v))
		}
	case "yaml-stream":
		if !isEmptyMap(v) {
			buf.WriteString(yaml.Marshal([]any{v}))
		}
	case "text":
		return writeText(buf, v)
	case "table":
		return writeTable(buf, operation, v, o)
	}
	return o.Check()
}

// isEmptyMap reports whether v is the response of an action that answers with nothing, for which nothing is written.
func isEmptyMap(v any) bool {
	m, ok := v.(*document.Map)
	return ok && m.Len() == 0
}

func isScalar(v any) bool {
	switch v.(type) {
	case []any, *document.Map:
		return false
	}
	return true
}
