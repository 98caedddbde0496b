// Package help writes the pages that `help` shows after any command: a section a subject, laid out as AWS's CLI lays out
// its own, because people and their scripts know where to look. It makes a page from an API's model and the texts beside
// this file, renders it for a terminal, a pipe or man, and hands it to the pager. It never runs a command nor asks a
// server.
package help

import (
	_ "embed"
	"strings"
)

//go:embed services.txt
var services string

// Services returns the names that AWS's CLI takes as its first word, in the order in which its usage error lists them.
// apron answers a few of these, but an error or a page that names them all is what scripts were written against.
func Services() []string { return strings.Fields(services) }
