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
